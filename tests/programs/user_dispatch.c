/* Syscall User Dispatch: calls from outside a range of code become SIGSYS (PR_SET_SYSCALL_USER_DISPATCH) */
#include "child.h"

#ifndef PR_SET_SYSCALL_USER_DISPATCH
#define PR_SET_SYSCALL_USER_DISPATCH 59
#endif
#ifndef SYS_USER_DISPATCH
#define SYS_USER_DISPATCH 2
#endif
enum { OFF, ON, UNKNOWN = 9 };
enum { ALLOW, BLOCK };

static volatile char selector;
static volatile int seen, number, code;
static volatile bool from_code, armed_inside;
extern char __executable_start[], etext[];

static long dispatch(unsigned long mode, unsigned long start, unsigned long size, volatile void *at)
{
    return prctl(PR_SET_SYSCALL_USER_DISPATCH, mode, start, size, at);
}

static void refused(int signo, siginfo_t *info, void *context)
{
    (void)context;
    armed_inside = selector == BLOCK;
    selector = ALLOW;
    seen = signo;
    code = info->si_code;
    number = info->si_syscall;
    from_code = (char *)info->si_call_addr >= __executable_start && (char *)info->si_call_addr < etext;
}

static void becomes_a_signal(void)
{
    show("on", dispatch(ON, 0, 0, &selector));
    show("allowed", syscall(SYS_getpriority, 0, 0) > 0);
    selector = BLOCK;
    syscall(SYS_getsid, 0);
    yes("blocked until the handler", armed_inside);
    show("signal", seen);
    show("code", code);
    yes("number", number == SYS_getsid);
    yes("from here", from_code);
    selector = BLOCK;
    syscall(400000);
    show("a number that nobody has", number);
    seen = 0;
    fflush(stdout);
    pid_t pid = fork();
    if (!pid) {
        selector = BLOCK;
        long mine = syscall(SYS_getppid);
        _exit(mine > 0 && !seen ? 3 : 4);
    }
    show_status("a child has none", reap(pid));
    selector = BLOCK;
    dispatch(OFF, 0, 0, NULL);
    show("even to switch it off", seen);
    selector = ALLOW;
    show("off", dispatch(OFF, 0, 0, NULL));
    selector = BLOCK;
    seen = 0;
    yes("no more", syscall(SYS_getppid) > 0 && !seen);
}

static void inside_the_range(void)
{
    selector = BLOCK;
    show("range", dispatch(ON, (unsigned long)__executable_start, etext - __executable_start, &selector));
    yes("not looked at", syscall(SYS_getppid) > 0 && !seen);
    dispatch(ON, 4096, 4096, &selector);
    syscall(SYS_getppid);
    show("another range", seen);
}

static void without_selector(void)
{
    dispatch(ON, 0, 0, NULL);
    syscall(SYS_getppid);
}

static void unknown_selector(void)
{
    dispatch(ON, 0, 0, &selector);
    selector = 7;
    syscall(SYS_getppid);
}

static void lost_selector(void)
{
    volatile char *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    *page = ALLOW;
    dispatch(ON, 0, 0, page);
    munmap((void *)page, 4096);
    syscall(SYS_getppid);
}

static void masked(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGSYS);
    sigprocmask(SIG_BLOCK, &set, NULL);
    dispatch(ON, 0, 0, &selector);
    selector = BLOCK;
    syscall(SYS_getppid);
}

static void executes(void)
{
    dispatch(ON, 0, 0, &selector);
    execl("/proc/self/exe", "user_dispatch", "again", NULL);
}

int main(int argc, char **argv)
{
    if (argc > 1 && !strcmp(argv[1], "again")) {
        selector = BLOCK;
        return syscall(SYS_getppid) > 0 ? 5 : 6;
    }
    struct sigaction action = {.sa_sigaction = refused, .sa_flags = SA_SIGINFO};
    sigaction(SIGSYS, &action, NULL);
    show("unknown mode", dispatch(UNKNOWN, 0, 0, NULL));
    show("off with a range", dispatch(OFF, 1, 0, NULL));
    show("off with a size", dispatch(OFF, 0, 1, NULL));
    show("off with a selector", dispatch(OFF, 0, 0, &selector));
    show("empty range", dispatch(ON, 1, 0, &selector));
    show("a range past the end", dispatch(ON, 1, -1UL, &selector));
    show("the kernel's selector", dispatch(ON, 0, 0, (void *)(1UL << 63)));
    in_child("signal", becomes_a_signal);
    in_child("range", inside_the_range);
    in_child("without selector", without_selector);
    in_child("unknown selector", unknown_selector);
    in_child("lost selector", lost_selector);
    in_child("masked", masked);
    in_child("a new program", executes);
    return 0;
}
