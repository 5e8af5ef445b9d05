. $SCRIPTS/tree.inc
find tree -printf '%p %y %m %n %s\n' | sort | grep -v ' d '; stat -c '%a %U %G %F' tree/a/*
stat -L -c %F tree/a/link; du -ab tree/a/numbers; ls -lnR --time-style=+%s tree/a/numbers
cp -a tree copy && diff -r --no-dereference tree/a/b copy/a/b && stat -c %Y copy/a/numbers
setfattr 2>/dev/null; touch -r tree/a/numbers new && stat -c %Y new; truncate -s 1M sparse
du -k sparse; dd if=/dev/zero of=sparse bs=4k count=1 seek=10 conv=notrunc 2>/dev/null
stat -c %s sparse; install -m 751 -D new deep/er/new; stat -c %a deep/er/new; mv -T copy moved
ls moved/a; rm -r moved; realpath tree/a/link; file tree/a/numbers tree/a/pipe /bin/true | cut -c1-60
