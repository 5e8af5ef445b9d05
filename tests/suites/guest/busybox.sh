# busybox's testsuite, for the applets that Debian's busybox has; it runs itself.
mkdir -p /tmp/bb && cp -r "$WORK/testsuite" /tmp/bb && cp "$WORK/config" /tmp/bb/.config || exit 1
cp /usr/bin/busybox /tmp/bb/busybox && cd /tmp/bb/testsuite || exit 1
export ECHO=$WORK/echo-ne bindir=/tmp/bb tsdir=/tmp/bb/testsuite SKIP_KNOWN_BUGS=1
timeout -k 5 "$LIMIT" ./runtest $TESTS 2>&1 | while read -r word text; do
    case $word in
        PASS:) echo "RESULT $text: pass" ;;
        FAIL:) echo "RESULT $text: fail" ;;
        SKIPPED: | UNTESTED:) echo "RESULT $text: skip" ;;
    esac
done
