# coreutils' tests of the programs that Debian installs; a test says by its status what it did.
cp -r "$WORK" /tmp/cu && cd /tmp/cu || exit 1
chmod 1777 . && ln -s /usr/bin/python3 src/python
# Names for the ids that tests use; the tree itself is not changed.
{ cat /etc/passwd && printf '%s:x:%d:%d::/:/usr/sbin/nologin\n' daemon 1 1 bin 2 2; } > passwd
{ cat /etc/group && printf '%s:x:%d:\n' daemon 1 bin 2 adm 4; } > group
mount --bind passwd /etc/passwd && mount --bind group /etc/group || exit 1
# What configure finds for Debian.
for found in SETGROUPS UTIMENSAT LUTIMES LINKAT CAP PTHREAD_T GETMNTENT INOTIFY OPENAT; do
    echo "#define HAVE_$found 1"
done > config.h
printf '#define %s\n' 'USE_XATTR 1' 'USE_ACL 1' 'LINK_FOLLOWS_SYMLINKS 0' 'FLOAT16_SUPPORTED 1' \
    >> config.h
export srcdir=. top_srcdir=. abs_srcdir=$PWD abs_top_srcdir=$PWD abs_top_builddir=$PWD
export CONFIG_HEADER=$PWD/config.h VERSION=9.7 PACKAGE_VERSION=9.7 host_os=linux-gnu
export host_triplet=riscv64-unknown-linux-gnu LOCALE_FR=fr_FR LOCALE_FR_UTF8=fr_FR.UTF-8
export CC=gcc AWK=awk EGREP='grep -E' EXEEXT= MAKE=false PERL=perl SHELL=/bin/bash
export LC_ALL=C TMPDIR=/tmp fail=0 PATH=$PWD/src:$PWD:/usr/bin:/usr/sbin
built=$(cd / && ls $(sed 's|.*|/usr/bin/& /usr/sbin/&|' /tmp/cu/programs) 2> /dev/null)
for program in $built; do
    name=${program##*/}
    [ $name = install ] && name=ginstall
    ln -s $program src/$name
    built_programs="$built_programs $name"
done
export built_programs
options="-w -I./tests -MCuSkip -MCoreutils"
# Root of two groups, and who must not be root; both as they are where that cannot be had.
as_root="setpriv --groups 0,4"
as_nobody="setpriv --reuid nobody --regid nogroup --groups 65534,4"
$as_nobody true 2> /dev/null || as_root='' as_nobody=''
for script in ${TESTS:-$(sed -n 's/^[[:space:]]*\(tests\/[^[:space:]]*\.\(sh\|pl\)\)\([[:space:]].*\|\)$/\1/p' tests/local.mk)}; do
    [ -f "$script" ] || continue
    case $script in */init.sh | tests/factor/*) continue ;; esac # no tests
    case $script in
        *.pl) set -- perl $options "-MCuTmpdir qw($script)" "$script" ;;
        *) set -- bash "$script" ;;
    esac
    if grep -q require_controlling_input_terminal_ "$script"; then
        set -- script -qefc "$*" /dev/null
    fi
    if grep -q skip_if_root_ "$script"; then
        set -- $as_nobody "$@"
    else
        set -- $as_root "$@"
    fi
    timeout -k 5 "$LIMIT" "$@" > /tmp/said 2>&1 < /dev/null 9>&2
    status=$?
    case $status in
        0) echo "RESULT $script pass" ;;
        77) echo "RESULT $script skip" && tail -1 /tmp/said | sed 's/^/    /' ;;
        124) echo "RESULT $script timeout" ;;
        *) echo "RESULT $script fail" && tail -${TAIL:-5} /tmp/said | sed 's/^/    /' ;;
    esac
done
