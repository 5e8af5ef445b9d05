# The tests of busybox's ash: each NAME.tests prints what is in NAME.right.
cp -r "$WORK/shell/ash_test" /tmp/ash && cd /tmp/ash || exit 1
cp "$WORK"/helpers/* . && ln -s /usr/bin/busybox ash
set -a && . "$WORK/config" && set +a
export PATH=$PWD:$PATH THIS_SH=$PWD/ash
unset LANG LC_ALL
for script in */*.tests; do
    folder=${script%/*} name=${script%.tests}
    case " $TESTS " in "  " | *" $name "*) ;; *) continue ;; esac
    [ -x "$script" ] && [ -f "$name.right" ] || continue
    cd "$folder" || exit 1
    timeout -k 5 "$LIMIT" "$THIS_SH" "./${script##*/}" > /tmp/said 2>&1 < /dev/null
    status=$?
    cd ..
    # As in run-all: the C library's way to quote an option, and status 77 for "not built in".
    sed -i "/: invalid option /s:'::g" /tmp/said
    if [ $status = 124 ]; then
        echo "RESULT $name timeout"
    elif [ $status = 77 ]; then
        echo "RESULT $name skip"
    elif cmp -s /tmp/said "$name.right"; then
        echo "RESULT $name pass"
    else
        echo "RESULT $name fail"
        diff /tmp/said "$name.right" | sed 's/^/    /' | head -10
    fi
done
