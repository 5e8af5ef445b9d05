/* kill - send a signal: kill [-SIGNAL | -s SIGNAL] pid...; kill -l lists them */
#include "starry.h"

static int list(void)
{
    for (int i = 1; i < 32; i++)
        printf("%2d) SIG%-9s%s", i, signal_name(i), i % 4 ? "" : "\n");
    putchar('\n');
    return 0;
}

int main_kill(int argc, char **argv)
{
    int number = SIGTERM, first = 1, status = 0;
    if (argc > 1 && strcmp(argv[1], "-l") == 0)
        return list();
    if (argc > 2 && argv[1][0] == '-' && strcmp(argv[1], "--") != 0) {
        const char *name = strcmp(argv[1], "-s") == 0 ? argv[2] : argv[1] + 1;
        first = name == argv[2] ? 3 : 2;
        number = signal_number(name);
        if (number < 0) {
            complain("%s: no such signal", name);
            return 1;
        }
    }
    if (first < argc && strcmp(argv[first], "--") == 0)
        first++;
    if (first >= argc) {
        complain("usage: kill [-SIGNAL] pid...");
        return 2;
    }
    for (int i = first; i < argc; i++) {
        char *end;
        long pid = strtol(argv[i], &end, 10);
        if (*end || end == argv[i] || kill(pid, number) < 0) {
            if (*end || end == argv[i])
                errno = EINVAL;
            warn_errno(argv[i]);
            status = 1;
        }
    }
    return status;
}
