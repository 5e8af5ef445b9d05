# bash's own tests: each run-* compares what a script prints with what it should print.
cp -r "$WORK/tests" /tmp/tests && cd /tmp/tests || exit 1
export THIS_SH=/bin/bash PATH=$PWD:$PATH LANG=C HOME=/root TMPDIR=/tmp BASH_TSTOUT=/tmp/output
for script in run-*; do
    name=${script#run-}
    case " $TESTS " in "  " | *" $name "*) ;; *) continue ;; esac
    case $name in all | minimal | gprof) continue ;; esac
    timeout -k 5 "$LIMIT" sh "$script" > /tmp/said 2>&1 < /dev/null
    status=$?
    [ $status = 124 ] && echo "RESULT $name timeout" && continue
    # What is left besides the script's own warnings is a difference.
    if grep -q '^[<>]' /tmp/said; then
        echo "RESULT $name fail"
        sed 's/^/    /' /tmp/said | grep '^    [<>0-9]' | head -20
    else
        echo "RESULT $name pass"
    fi
done
