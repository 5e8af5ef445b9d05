# More than a hundred commands whose output is the same on every correct system.
# Runs with busybox sh and with bash and coreutils; prints no process numbers, dates or inodes.
# It works in a folder of its own below /tmp.
LC_ALL=C TZ=UTC0 PS4='+ '
export LC_ALL TZ
umask 022
work=/tmp/hundred
mkdir $work && cd $work || exit 1

section() { echo; echo "== $* =="; }

section words and quotes
echo plain "double $((6 * 7))" 'single $x' back\\slash
printf '%s|%5d|%-6s|%x\n' text 42 left 255
x=abcdef; echo "${#x} ${x#ab} ${x%ef} ${x:-none} ${y:-none} ${y+set}"
path=/usr/local/lib/file.tar.gz; echo "${path##*/} ${path%/*} ${path%%.*} ${path#*.}"
set -- one 'two words' three; echo $# "$2" "$*"; shift; echo $# "$@"
IFS=:; for part in a:b; do echo "<$part>"; done; list=x:y:z; for part in $list; do echo "[$part]"; done
unset IFS
echo "nested $(echo "inner $(echo deepest)")" `echo back quotes`

section arithmetic
i=0; while [ $i -lt 5 ]; do i=$((i + 1)); [ $i -eq 3 ] && continue; printf '%d ' $i; done; echo
echo $((1 << 10)) $((0x1f)) $((7 / 2)) $((-7 % 3)) $((5 > 3 && 2 > 1)) $((1 ? 10 : 20))
n=1; for k in 1 2 3 4 5 6 7 8 9 10; do n=$((n * k)); done; echo $n
seq 1 10 | awk '{ s += $1 } END { print s }'
expr 12 \* 12

section control
for word in apple banana cherry; do
    case $word in
        a*) echo "$word: begins with a" ;;
        *n*) echo "$word: has an n" ;;
        *) echo "$word: neither" ;;
    esac
done
if false; then echo no; elif true; then echo elif; else echo no; fi
until [ "${u:-0}" -ge 3 ]; do u=$((${u:-0} + 1)); done; echo $u
f() { echo "f got $# arguments: $*"; return 7; }
f a 'b c'; echo "returned $?"
fact() { if [ "$1" -le 1 ]; then echo 1; else echo $(($1 * $(fact $(($1 - 1))))); fi; }
fact 10
true && echo and || echo or
false && echo and || echo or
! false; echo $?
(exit 42); echo $?
sh -c 'exit 300'; echo $?
sh -c 'kill -9 $$' 2>/dev/null; echo $?
nosuchcommand 2>/dev/null; echo $?

section files
mkdir -p tree/a/b tree/c; ls tree
for n in 1 2 3; do echo "file $n" > tree/a/f$n; done
cat tree/a/f1 tree/a/f2 tree/a/f3
cp tree/a/f1 tree/c/copy; mv tree/c/copy tree/c/moved; cat tree/c/moved
ln -s ../a/f2 tree/c/soft; ln tree/a/f3 tree/c/hard; cat tree/c/soft tree/c/hard
readlink tree/c/soft
[ tree/a/f3 -ef tree/c/hard ] && echo same file
ls -R tree
chmod 640 tree/a/f1; ls -l tree/a/f1 | cut -c1-10
chmod u+x,g-r tree/a/f1; stat -c '%a %s %h %F' tree/a/f1
test -L tree/c/soft && test -d tree/a && test ! -e tree/nothing && echo tests
touch -d '2001-02-03 04:05:06' tree/old; date -r tree/old '+%Y-%m-%d %H:%M:%S'
[ tree/a/f1 -nt tree/old ] && echo newer
rm tree/c/hard; stat -c %h tree/a/f3
rmdir tree/a/b; ls tree/a
echo appended >> tree/a/f1; wc -l < tree/a/f1; wc -c tree/a/f1
dd if=/dev/zero of=tree/zeros bs=1000 count=5 2>/dev/null; wc -c < tree/zeros
truncate -s 12345 tree/zeros; stat -c %s tree/zeros; md5sum tree/zeros
mkfifo tree/fifo; echo through the fifo > tree/fifo & cat tree/fifo; wait
ls -d tree/?; echo tree/a/f[12] tree/*/f3 tree/none*
basename /x/y/z.txt .txt; dirname /x/y/z.txt

section redirection
{ echo out; echo err >&2; } 2>&1 | sort
{ echo out; echo err >&2; } > both 2>&1; cat both
exec 3> third; echo to three >&3; exec 3>&-; cat third
exec 4< third; read line <&4; exec 4<&-; echo "read: $line"
cat nothere 2> /dev/null || echo cat failed
cat < third | cat - third
: > empty; [ -s empty ] || echo empty
cat <<EOF
here $x $((1 + 1)) $(echo command)
  \$quoted \\ "kept"
EOF
cat <<'EOF'
literal $x $((1 + 1)) `no`
EOF
cat <<-EOF
	tabs are gone
	EOF
cat <<A; cat <<B
first
A
second
B
tr a-z A-Z <<EOF | rev
upper and reversed
EOF
while read -r a b; do echo "$b-$a"; done <<EOF
one two
three four five
EOF

section pipes
seq 10 | head -n 3 | tail -n 1
echo 'c b a' | tr ' ' '\n' | sort | tr '\n' ' '; echo
yes | head -n 5 | wc -l
seq 1 20 | grep 1 | wc -l
seq 1 100 | awk 'NR % 10 == 0' | paste -s -d, -
printf 'b 2\na 1\nc 3\na 0\n' | sort -k1,1 -k2,2n | uniq -c | sed 's/^ *//'
printf 'x\nx\ny\nx\n' | uniq -c | awk '{ print $1, $2 }'
seq 100000 | sort -rn | md5sum
seq 100000 | sort | head -n 3
seq 20000 | awk '{ print $1 % 97 }' | sort -n | uniq | wc -l
echo a,b,c | cut -d, -f2- | tee copy | cat; cat copy
seq 5 | tac | nl | sed 's/[[:space:]]\{1,\}/ /g'
head -c 100000 /dev/zero | tr '\0' 'z' | sha256sum
printf 'one\ntwo\n' | while read -r w; do printf '%s:' "$w"; done; echo
seq 1000 > thousand; cat thousand | cmp - thousand; echo "cmp said $?"
seq 999 | cmp -s - thousand; echo "cmp said $?"

section text tools
printf 'alpha 1\nbeta 2\ngamma 3\n' > table
grep -n beta table; grep -v a table; grep -c a table; grep -E '^(al|ga)' table; grep -i ALPHA table
grep -o '[0-9]' table | paste -s -d+ -
sed -n 2p table; sed 's/a/A/g; 1d' table; sed -e '/beta/i\' -e 'before' table; sed '$!d' table
sed 's/\([a-z]*\) \([0-9]\)/\2 \1/' table
awk '{ n[$1] = $2 } END { for (k in n) print k, n[k] }' table | sort
awk -F' ' 'BEGIN { OFS = "=" } $2 > 1 { print toupper($1), $2 * 1.5 }' table
awk 'BEGIN { printf "%05.2f %s %c\n", 3.14159, substr("hello", 2, 3), 65; print length("four"), index("abc", "c") }'
fold -w 4 <<EOF
abcdefghij
EOF
od -An -tx1 third | head -n 2 | sed 's/ *$//'
diff table - <<EOF
alpha 1
beta two
gamma 3
EOF
echo "diff said $?"
expand -t 4 <<EOF
a	b
EOF
echo hello | sed 's/l\+/L/'; echo 'a.b' | sed 's/\./-/'

section find and xargs
find tree | sort
find tree -type f -name 'f*' | sort | xargs cat
find tree -type l -exec basename {} \;
find . -maxdepth 1 -type d | sort
find tree -name 'f[12]' -print0 | sort -z | xargs -0 -n 1 echo item
find tree -type f -size +5k | sort
seq 10 | xargs -n 4 echo
printf 'a b\nc\n' | xargs -I{} echo '<{}>'
echo 1 2 3 | xargs sh -c 'echo "$# $0"'
seq 3 | xargs -n 1 sh -c 'exit $(($0 == 2))'; echo "xargs said $?"

section archives
tar cf all.tar tree/a table; tar tf all.tar | sort
mkdir out; tar xf all.tar -C out; diff -r tree/a out/tree/a && echo same after tar
gzip -c table > table.gz; gzip -dc table.gz | cmp - table && echo same after gzip
tar cf - tree/a | gzip > all.tgz; mkdir out2; gzip -dc all.tgz | tar xf - -C out2; cat out2/tree/a/f2
seq 5000 > numbers; gzip -9 numbers; ls numbers*; gunzip numbers.gz; md5sum numbers; sha1sum < numbers
gzip -t table.gz && echo sound
echo garbage > bad.gz; gzip -t bad.gz 2>/dev/null || echo not sound

section processes and signals
sleep 0.1 & wait $!; echo "waited $?"
(sleep 0.1; exit 3) & wait $!; echo "child said $?"
{ echo one; sleep 0.1; echo two; } & wait; echo all done
for n in 3 1 2; do (sleep 0.$n; echo "job $n") & done; wait
trap 'echo caught USR1' USR1; kill -USR1 $$; trap - USR1
(trap 'echo leaving' EXIT; echo in the subshell)
(trap 'echo term; exit 5' TERM; sh -c 'kill -TERM $PPID'; sleep 1; echo not here); echo "then $?"
sh -c 'trap "" INT; kill -INT $$; echo still here'
sleep 5 & kill $!; wait $! 2>/dev/null; echo "killed: $?"
(kill -STOP $(sh -c 'echo $PPID')) & sleep 0.2; kill -CONT $!; wait $!; echo "continued: $?"
sh -c 'kill -0 $$' && echo alive
timeout 0.2 sleep 5; echo "timeout said $?"
(cd tree && pwd | sed "s|$work|.|"); pwd | sed "s|$work|.|"
x=outer; (x=inner; echo $x); echo $x
x=5 sh -c 'echo "child sees $x"'; echo "still $x"
export y=exported; sh -c 'echo $y'; unset y; sh -c 'echo "<$y>"'
env -i A=1 B=2 env | sort
sh -c 'ulimit -n 64; ulimit -n'
umask 077; : > private; ls -l private | cut -c1-10; umask 022
yes | (sleep 0.1; head -n 1); echo "pipe broke quietly"
set -e; (false; echo not here) || echo "set -e in a list"; set +e
(set -e; false; echo not here); echo "set -e: $?"
(set -u; echo $undefined_name) 2>/dev/null || echo unbound
eval 'z=evaluated; echo $z'
cat > script <<'EOF'
#!/bin/sh
echo "script $# $1"
exit 9
EOF
chmod +x script; ./script arg; echo "script said $?"
. ./script 2>/dev/null & wait $!; echo "dot: $?"
command -v cd; type no_such_thing >/dev/null 2>&1 || echo no such thing

section clean up
rm -rf tree out out2 all.* thousand table* third both copy empty numbers private script bad.gz
ls -A | wc -l | tr -d ' '
cd / && rmdir $work; echo "the folder was empty: $?"
