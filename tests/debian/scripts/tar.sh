. $SCRIPTS/tree.inc
tar -cf t.tar --sort=name tree && tar -tvf t.tar | awk '{print $1, $3 == "0" ? 0 : $3, $6}'
mkdir out && tar -C out -xf t.tar && stat -c '%n %A %h %s %Y' out/tree/a/numbers out/tree/a/hard
[ out/tree/a/hard -ef out/tree/a/b/hello ] && readlink out/tree/a/link
tar -cf - tree/a/numbers tree/a/b | tar --delete -f - tree/a/b | tar -tf -
