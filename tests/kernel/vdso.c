/* Reads clocks through the C library, which uses the vDSO, and by system calls: prints what differs. */
#define _GNU_SOURCE
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>
#include <unwind.h>

static int64_t ns(struct timespec t) { return t.tv_sec * INT64_C(1000000000) + t.tv_nsec; }

static int64_t by_library(int clock)
{
    struct timespec t;
    if (clock_gettime(clock, &t)) abort();
    return ns(t);
}

static int64_t by_call(int clock)
{
    struct timespec t;
    if (syscall(SYS_clock_gettime, clock, &t)) abort();
    return ns(t);
}

static int64_t by_timeval(int clock)
{
    struct timeval t;
    (void)clock;
    if (gettimeofday(&t, 0)) abort();
    return t.tv_sec * INT64_C(1000000000) + t.tv_usec * 1000;
}

static void compare(const char *name, int clock, int64_t (*read)(int), int64_t grain)
{
    int64_t last = 0;
    for (int i = 0; i < 2000; i++) {
        int64_t before = by_call(clock), between = read(clock), after = by_call(clock);
        if (between + grain <= before || after < between || before < last)
            printf("%s went back: %lld %lld %lld\n", name, (long long)before, (long long)between,
                   (long long)after);
        last = after;
    }
}

static int depth, interrupted;

static _Unwind_Reason_Code frame(struct _Unwind_Context *context, void *argument)
{
    int before = 0;
    uintptr_t pc = _Unwind_GetIPInfo(context, &before);
    if (before && pc == (uintptr_t)argument) interrupted = 1;
    depth++;
    return _URC_NO_REASON;
}

static void handler(int signo, siginfo_t *info, void *context)
{
    (void)signo, (void)info;
    _Unwind_Backtrace(frame, (void *)((ucontext_t *)context)->uc_mcontext.__gregs[0]);
}

/* Here rather than in the C library, whose functions may be without call frame information. */
static long signal_myself(int signo)
{
    long process = getpid(), thread = gettid();
    register long number asm("a7") = SYS_tgkill, pid asm("a0") = process, tid asm("a1") = thread;
    register long what asm("a2") = signo;
    asm volatile("ecall" : "+r"(pid) : "r"(number), "r"(tid), "r"(what) : "memory");
    return pid;
}

int main(int argc, char **argv)
{
    static const int clocks[] = { CLOCK_REALTIME, CLOCK_MONOTONIC, CLOCK_MONOTONIC_RAW,
        CLOCK_REALTIME_COARSE, CLOCK_MONOTONIC_COARSE, CLOCK_BOOTTIME, CLOCK_TAI,
        CLOCK_PROCESS_CPUTIME_ID, CLOCK_THREAD_CPUTIME_ID };
    char name[16];
    for (unsigned i = 0; i < sizeof clocks / sizeof *clocks; i++) {
        struct timespec a, b;
        sprintf(name, "clock %d", clocks[i]);
        compare(name, clocks[i], by_library, 1);
        clock_getres(clocks[i], &a);
        syscall(SYS_clock_getres, clocks[i], &b);
        if (ns(a) != ns(b)) printf("%s: resolutions %lld %lld\n", name, (long long)ns(a), (long long)ns(b));
    }
    compare("gettimeofday", CLOCK_REALTIME, by_timeval, 1000);
    struct timespec set = { 1000000000, 0 }, t;
    if (clock_gettime(99, &t) != -1 || clock_getres(-1000, &t) != -1) puts("an unknown clock can be read");
    /* Only where init is this program: nobody sets the clock of a host by accident. */
    if (getpid() != 1) return 2;
    if (clock_settime(CLOCK_REALTIME, &set)) perror("clock_settime");
    compare("a clock that was set", CLOCK_REALTIME, by_library, 1);
    if (time(0) / 1000 != 1000000) printf("time is %ld\n", (long)time(0));

    struct sigaction action = { .sa_sigaction = handler, .sa_flags = SA_SIGINFO };
    sigaction(SIGUSR1, &action, 0);
    signal_myself(SIGUSR1);
    printf("unwound %s\n", interrupted && depth > 3 ? "rightly" : "wrongly");
    if (argc > 1) {  /* how many calls a second: for people */
        int n = atoi(argv[1]);
        int64_t start = by_call(CLOCK_MONOTONIC);
        for (int i = 0; i < n; i++) by_library(CLOCK_MONOTONIC);
        printf("%lld ns a reading\n", (long long)(by_call(CLOCK_MONOTONIC) - start) / n);
    }
    return getauxval(AT_SYSINFO_EHDR) ? 0 : 1;
}
