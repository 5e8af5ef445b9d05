. $SCRIPTS/tree.inc
tar -C tree/a -cJf t.tar.xz numbers && xz -lv --robot t.tar.xz | awk '/^totals/ {print $2, $3}'
tar -tf t.tar.xz; gzip -n9 <tree/a/numbers | md5sum; xz -T1 <tree/a/numbers | xz -dc | md5sum
printf damaged >>t.tar.xz; xz -t t.tar.xz; echo $?
