# Thirty commands, most of them a process each.
echo one
echo two three | cat
printf '%s-%d\n' four 4
seq 3 | wc -l
mkdir -p /tmp/a/b
echo data > /tmp/a/b/file
cat /tmp/a/b/file
cp /tmp/a/b/file /tmp/a/copy
ls /tmp/a
mv /tmp/a/copy /tmp/a/moved
test -f /tmp/a/moved && echo moved
rm /tmp/a/moved
ls /tmp/a
echo 'b a c' | tr ' ' '\n' | sort
expr 6 '*' 7
basename /usr/lib/file.txt .txt
dirname /usr/lib/file.txt
head -c 3 /tmp/a/b/file; echo
grep -c data /tmp/a/b/file
sed s/data/other/ /tmp/a/b/file
awk 'BEGIN { printf "%.6f\n", 355 / 113 }'
(echo sub; exit 3); echo $?
for i in 1 2 3; do echo $i; done
false || echo failed
true && echo succeeded
sh -c 'echo $0 $1' zero one
kill -0 $$ && echo alive
(trap 'echo caught' TERM; kill -TERM $(sh -c 'echo $PPID'); :)
echo end | sed 's/$/./' | tr a-z A-Z
exit 5
