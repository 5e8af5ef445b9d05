export HOME=$PWD GIT_AUTHOR_DATE='1700000000 +0000' GIT_COMMITTER_DATE='1700000000 +0000'
export GIT_CONFIG_NOSYSTEM=1
git config --global user.name Ada; git config --global user.email ada@example.org
git config --global init.defaultBranch main; git config --global advice.detachedHead false
mkdir repo && cd repo && git init -q . && seq 200 >numbers && echo '*.o' >.gitignore
touch x.o; git add . && git commit -qm first && sed -i s/^100$/hundred/ numbers
git diff --stat; git commit -qam second && git switch -qc side HEAD~ && echo side >side
git add side && git commit -qm third && git merge -q -m merged main && git log --oneline --graph
git status --short --ignored; git fsck --full --strict; git gc -q; git count-objects -v | head -3
cd .. && git clone -q repo copy && cd copy && git log -1 --format='%H %an %s' && git branch -a
echo more >>numbers && git commit -qam fourth && git push -q origin HEAD:refs/heads/new
git -C ../repo log --format=%s new && git blame -s numbers | sed -n '100p' && git grep -n hundred
git archive HEAD | tar -t; git worktree add -q ../tree main && cat ../tree/numbers | wc -l
