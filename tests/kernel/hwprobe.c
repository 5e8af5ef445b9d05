/* riscv_hwprobe in the vDSO, at argv[1] bytes from its beginning, and by system call. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/syscall.h>
#include <unistd.h>

struct pair { long key; unsigned long value; };
typedef long probe(struct pair *, size_t, size_t, unsigned long *, unsigned);

int main(int argc, char **argv)
{
    probe *by_vdso = (probe *)(getauxval(AT_SYSINFO_EHDR) + strtoul(argv[1], 0, 0));
    struct pair a[24], b[24];
    for (long i = 0; i < 24; i++)
        a[i] = b[i] = (struct pair){ i == 20 ? -5 : i == 21 ? 1L << 40 : i, 7 };
    long first = by_vdso(a, 24, 0, 0, 0), second = syscall(258, b, 24, 0, 0, 0);
    printf("%ld %ld %d %ld\n", first, second, memcmp(a, b, sizeof a), a[8].value);
    unsigned long cpus = 1;
    struct pair base = { 3, 0 };
    printf("%ld %ld\n", by_vdso(&base, 1, sizeof cpus, &cpus, 0), base.value);
    printf("%ld %lx\n", by_vdso(&base, 1, sizeof cpus, &cpus, 1), cpus);
    return by_vdso(&base, 1, 0, 0, 2) != -22;
}
