. $SCRIPTS/tree.inc
zip -qr -X t.zip tree/a/numbers tree/a/b && unzip -l t.zip | awk 'NR > 3 {print $1, $4}'
mkdir out && unzip -q -d out t.zip && cmp tree/a/numbers out/tree/a/numbers && unzip -tq t.zip
zip -q -d t.zip tree/a/numbers && zipinfo -1 t.zip
