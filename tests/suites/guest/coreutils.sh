# coreutils' tests of the programs that Debian installs; a test says by its status what it did.
cp -r "$WORK" /tmp/cu && cd /tmp/cu || exit 1
: > config.h
export srcdir=. top_srcdir=. abs_srcdir=$PWD abs_top_srcdir=$PWD abs_top_builddir=$PWD
export CONFIG_HEADER=$PWD/config.h VERSION=9.7 PACKAGE_VERSION=9.7 host_os=linux-gnu
export host_triplet=riscv64-unknown-linux-gnu LOCALE_FR=none LOCALE_FR_UTF8=none CC=false AWK=awk
export PATH=$PWD:$PATH EGREP='grep -E' EXEEXT= MAKE=false PERL=perl SHELL=/bin/sh LC_ALL=C TMPDIR=/tmp fail=0
export built_programs="$(cd /usr/bin && echo $(ls $(cat /tmp/cu/programs) 2> /dev/null))"
options="-w -I./tests -MCuSkip -MCoreutils"
for script in ${TESTS:-$(sed -n 's/^[[:space:]]*\(tests\/[^[:space:]]*\.\(sh\|pl\)\)\([[:space:]].*\|\)$/\1/p' tests/local.mk)}; do
    [ -f "$script" ] || continue
    case $script in */init.sh | tests/factor/*) continue ;; esac # no tests
    case $script in
        *.pl) set -- perl $options "-MCuTmpdir qw($script)" "$script" ;;
        *) set -- sh "$script" ;;
    esac
    timeout -k 5 "$LIMIT" "$@" > /tmp/said 2>&1 < /dev/null 9>&2
    status=$?
    case $status in
        0) echo "RESULT $script pass" ;;
        77) echo "RESULT $script skip" ;;
        124) echo "RESULT $script timeout" ;;
        *) echo "RESULT $script fail" && tail -5 /tmp/said | sed 's/^/    /' ;;
    esac
done
