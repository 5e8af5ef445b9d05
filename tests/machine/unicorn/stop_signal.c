// Calls the handler of stop_signal.py as the kernel would, on the CPU that it was written for.
// Without a C library, which takes the compiler most of a minute to build.

__attribute__((section(".text"))) static const unsigned char code[] = {
#include "code.h"
};

struct cell {
    volatile unsigned long engine;
    int (*stop)(unsigned long engine);
    volatile unsigned long busy;
};

struct siginfo { // of 64-bit Linux: sigaction(2), asm-generic/siginfo.h
    int signo, error, code, padding;
    int timer, overrun;
    void *value;
};

enum { SI_USER = 0, SI_TIMER = -2, SI_QUEUE = -1 };

static struct cell cell;
static int stops;
static int strange;

static int stop(unsigned long engine)
{
    strange |= engine != 4711 || cell.busy != 1;
    stops++;
    return -1;
}

static _Noreturn void leave(long status)
{
#if defined(__x86_64__)
    __asm__ volatile("syscall" : : "a"(231L), "D"(status));
#elif defined(__aarch64__)
    register long number __asm__("x8") = 94, argument __asm__("x0") = status;
    __asm__ volatile("svc 0" : : "r"(number), "r"(argument));
#endif
    __builtin_unreachable();
}

static void deliver(int why, int expected, int status)
{
    void (*volatile handler)(int, struct siginfo *, void *) =
        (void (*)(int, struct siginfo *, void *))code;
    struct siginfo info = {.signo = 64, .code = why, .value = &cell};
    handler(64, &info, 0);
    if (stops != expected || cell.busy || strange)
        leave(status);
}

// The stack is aligned at the entry of a process; at that of a C function it is off by a word.
#if defined(__x86_64__)
__attribute__((force_align_arg_pointer))
#endif
_Noreturn void _start(void)
{
    cell.stop = stop;
    cell.engine = 4711;
    for (int i = 1; i <= 1000; i++)
        deliver(SI_TIMER, i, 2);
    deliver(SI_USER, 1000, 3);
    deliver(SI_QUEUE, 1000, 4);
    cell.engine = 0;
    deliver(SI_TIMER, 1000, 5);
    cell.engine = 4711;
    deliver(SI_TIMER, 1001, 6);
    leave(0);
}
