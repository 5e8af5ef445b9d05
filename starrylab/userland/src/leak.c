/* leak - forgets memory and descriptors, for the leak report: leak [ROUNDS]; then waits to be looked at */
#include "starry.h"

static __attribute__((noinline)) void forget_memory(int round)
{
    char *lost = mmap(NULL, 65536, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (lost == MAP_FAILED)
        die_errno("mmap");
    snprintf(lost, 64, "lost in round %d", round);
}

static __attribute__((noinline)) void forget_file(void)
{
    if (open("/dev/null", O_RDONLY) < 0)
        die_errno("/dev/null");
}

int main_leak(int argc, char **argv)
{
    int rounds = argc > 1 ? atoi(argv[1]) : 20;
    for (int i = 0; i < rounds; i++) {
        forget_memory(i);
        forget_file();
    }
    printf("process %d forgot %d blocks of 64 KiB and %d descriptors\n", getpid(), rounds, rounds);
    if (isatty(0)) {
        puts("Enter ends it");
        getchar();
    }
    return 0;
}
