/* signals: masks, pending, SA_ flags, order, sigsuspend, sigtimedwait, sigqueue */
#include "t.h"

static volatile int log_at, log_list[64];

static void note(int number)
{
    log_list[log_at++] = number;
}

static void note_info(int number, siginfo_t *info, void *context)
{
    printf("signal %s code %s value %d mine %d\n", number == SIGRTMIN ? "RTMIN" : number == SIGRTMIN + 1 ? "RTMIN+1" : "other",
           info->si_code == SI_QUEUE ? "SI_QUEUE" : info->si_code == SI_USER ? "SI_USER"
           : info->si_code == SI_TKILL ? "SI_TKILL" : "?", info->si_value.sival_int, info->si_pid == getpid());
}

static void inside(int number)
{
    sigset_t now;
    sigprocmask(SIG_BLOCK, NULL, &now);
    printf("in handler: self blocked %d, USR2 blocked %d\n", sigismember(&now, number), sigismember(&now, SIGUSR2));
}

int main(void)
{
    setvbuf(stdout, NULL, _IONBF, 0);
    struct sigaction action = {.sa_handler = note};
    sigaction(SIGUSR1, &action, NULL);
    sigaction(SIGUSR2, &action, NULL);
    raise(SIGUSR1);
    printf("delivered %d\n", log_at);
    sigset_t set, old, pending;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    sigaddset(&set, SIGUSR2);
    sigprocmask(SIG_BLOCK, &set, &old);
    raise(SIGUSR2);
    raise(SIGUSR1);
    raise(SIGUSR1);
    sigpending(&pending);
    printf("pending %d %d %d, delivered %d\n", sigismember(&pending, SIGUSR1), sigismember(&pending, SIGUSR2),
           sigismember(&pending, SIGHUP), log_at);
    sigprocmask(SIG_SETMASK, &old, NULL);
    printf("delivered %d\n", log_at);
    action = (struct sigaction){.sa_sigaction = note_info, .sa_flags = SA_SIGINFO};
    sigaction(SIGRTMIN, &action, NULL);
    sigaction(SIGRTMIN + 1, &action, NULL);
    sigaction(SIGUSR1, &action, NULL);
    sigemptyset(&set);
    sigaddset(&set, SIGRTMIN);
    sigaddset(&set, SIGRTMIN + 1);
    sigprocmask(SIG_BLOCK, &set, NULL);
    for (int i = 1; i <= 3; i++)
        show("queue", sigqueue(getpid(), SIGRTMIN + (i & 1), (union sigval){.sival_int = i}));
    struct timespec zero = {0, 0};
    siginfo_t info;
    yes("sigtimedwait takes the first", sigtimedwait(&set, &info, &zero) == SIGRTMIN);
    printf("value %d\n", info.si_value.sival_int);
    sigtimedwait(&set, &info, &zero);
    sigtimedwait(&set, &info, &zero);
    printf("value %d\n", info.si_value.sival_int);
    show("sigtimedwait empty", sigtimedwait(&set, &info, &zero));
    sigprocmask(SIG_UNBLOCK, &set, NULL);
    sigqueue(getpid(), SIGRTMIN, (union sigval){.sival_int = 42});
    kill(getpid(), SIGUSR1);
    action = (struct sigaction){.sa_handler = inside};
    sigaddset(&action.sa_mask, SIGUSR2);
    sigaction(SIGUSR1, &action, NULL);
    raise(SIGUSR1);
    action = (struct sigaction){.sa_handler = inside, .sa_flags = SA_NODEFER};
    sigaction(SIGUSR1, &action, NULL);
    raise(SIGUSR1);
    action = (struct sigaction){.sa_handler = inside, .sa_flags = SA_RESETHAND};
    sigaction(SIGUSR1, &action, NULL);
    raise(SIGUSR1);
    sigaction(SIGUSR1, NULL, &action);
    yes("reset to default", action.sa_handler == SIG_DFL);
    signal(SIGUSR1, note);
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    sigprocmask(SIG_BLOCK, &set, &old);
    raise(SIGUSR1);
    log_at = 0;
    show("sigsuspend", sigsuspend(&old));
    printf("delivered %d\n", log_at);
    sigprocmask(SIG_BLOCK, NULL, &set);
    yes("mask is back", sigismember(&set, SIGUSR1));
    show("bad signal", sigaction(65, &action, NULL) == -1 ? -1 : 0);
    show("KILL cannot be caught", sigaction(SIGKILL, &action, NULL));
    show("kill 0 to myself", kill(getpid(), 0));
    show("kill nobody", kill(999999, 0));
    show("kill bad signal", kill(getpid(), 99));
    signal(SIGCHLD, SIG_IGN);
    pid_t pid = fork();
    if (!pid)
        _exit(0);
    int status;
    show("ignored SIGCHLD reaps", waitpid(pid, &status, 0));
    return 0;
}
