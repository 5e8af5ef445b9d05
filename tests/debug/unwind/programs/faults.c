/* Ways to die: through a null pointer, in a function's first instruction, out of stack, in a
   handler, on a smashed stack, in code that nothing describes. */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

static volatile int one = 1;

__attribute__((noinline)) int load(int *p)
{
    return *p;
}

__attribute__((noinline)) int call(int (*function)(int))
{
    return function(one) + 1;
}

__attribute__((noinline)) int endless(int n)
{
    volatile char room[64];
    room[n & 63] = (char)n;
    return endless(n + 1) + room[n & 31];
}

static void handler(int signo)
{
    *(volatile int *)8 = signo;
}

__attribute__((noinline)) void smash(unsigned long value)
{
    unsigned long words[2];
    unsigned long *volatile p = words;
    for (int i = 0; i < 12; i++)
        p[i] = value;
}

__attribute__((noinline)) int made(void)
{
    /* nop; lw a0,0(zero): no symbol, no call frame information */
    static const unsigned code[] = {0x00000013, 0x00002503};
    void *page = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    memcpy(page, code, sizeof code);
    mprotect(page, 4096, PROT_READ | PROT_EXEC);
    return ((int (*)(void))page)() + 1;
}

int main(int argc, char **argv)
{
    switch (argc > 1 ? argv[1][0] : 0) {
    case 'n': return call(0) + 1;
    case 'w': return call((int (*)(int))0x123456) + 1;
    case 'f': return load((int *)16) + 1;
    case 'e': return endless(0) + 1;
    case 'h':
        signal(SIGUSR1, handler);
        raise(SIGUSR1);
        return 1;
    case 's': smash(0x4141414141414140); return 1;
    case 'm': return made() + 1;
    case 'a': abort();
    case 'g': raise(SIGUSR2); return 1;
    }
    return 0;
}
