/* sigdemo - signals: a handler, a mask, a real-time queue with values, an alternate stack */
#include "starry.h"

#define SAY(text) write_all(1, text, sizeof text - 1)

static void on_user(int number)
{
    SAY("handler: SIGUSR1\n");
}

static void on_queue(int number, siginfo_t *info, void *context)
{
    char line[] = "handler: real-time signal with value 0\n";
    line[sizeof line - 3] += info->si_value.sival_int;
    write_all(1, line, sizeof line - 1);
}

static void on_fault(int number, siginfo_t *info, void *context)
{
    SAY("handler on its own stack: SIGSEGV; the program ends here\n");
    _exit(0);
}

static __attribute__((noinline)) int overflow(volatile char *above)
{
    volatile char page[4096];
    page[0] = above ? above[0] : 0;
    return overflow(page) + page[0];
}

int main_sigdemo(int argc, char **argv)
{
    signal(SIGUSR1, on_user);
    struct sigaction action = {.sa_sigaction = on_queue, .sa_flags = SA_SIGINFO};
    sigaction(SIGRTMIN, &action, NULL);
    SAY("1. a signal to myself\n");
    raise(SIGUSR1);
    SAY("2. blocked: a standard signal comes once, real-time signals come all, in order\n");
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    sigaddset(&set, SIGRTMIN);
    sigprocmask(SIG_BLOCK, &set, NULL);
    for (int i = 1; i <= 3; i++) {
        kill(getpid(), SIGUSR1);
        sigqueue(getpid(), SIGRTMIN, (union sigval){.sival_int = i});
    }
    SAY("   unblocking\n");
    sigprocmask(SIG_UNBLOCK, &set, NULL);
    SAY("3. stack overflow, handled on an alternate stack\n");
    stack_t stack = {.ss_sp = need(65536), .ss_size = 65536};
    sigaltstack(&stack, NULL);
    action.sa_sigaction = on_fault;
    action.sa_flags = SA_SIGINFO | SA_ONSTACK;
    sigaction(SIGSEGV, &action, NULL);
    return overflow(NULL);
}
