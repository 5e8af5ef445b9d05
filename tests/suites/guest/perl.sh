# Perl core's t/op and t/io: each test prints TAP.  TESTS are paths below t/.
cp -r "$WORK/t" "$WORK/lib" "$WORK/regen" "$WORK/MANIFEST" /tmp/ && cd /tmp/t || exit 1
ln -sf /usr/bin/perl perl
export PERL_CORE=1 LANG=C
for script in ${TESTS:-op/*.t io/*.t}; do
    switches=$(sed -n '1s/^#!.*perl//p' "$script") # as t/TEST does
    timeout -k 5 "$LIMIT" ./perl $switches "$script" > /tmp/said 2> /tmp/errors < /dev/null
    status=$?
    plan=$(sed -n 's/^1\.\.\([0-9]*\).*/\1/p' /tmp/said | tail -1)
    ran=$(grep -Ec '^(not )?ok' /tmp/said)
    grep '^not ok' /tmp/said | grep -vi '# *todo' > /tmp/bad
    if [ $status = 124 ]; then
        echo "RESULT $script timeout"
    elif grep -q '^1\.\.0' /tmp/said; then
        echo "RESULT $script skip"
    elif [ $status = 0 ] && [ "$plan" = "$ran" ] && [ ! -s /tmp/bad ]; then
        echo "RESULT $script pass"
    else
        echo "RESULT $script fail"
        echo "    status $status, $ran of $plan ran"
        sed 's/^/    /' /tmp/bad | head -10
        head -3 /tmp/errors | sed 's/^/    /'
    fi
done
