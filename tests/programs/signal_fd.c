/* signalfd, and signals in poll */
#include "t.h"

int main(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    sigaddset(&set, SIGCHLD);
    sigprocmask(SIG_BLOCK, &set, NULL);
    int fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
    struct signalfd_siginfo info[3];
    show("empty", read(fd, info, sizeof info));
    kill(getpid(), SIGUSR1);
    struct pollfd in = {fd, POLLIN, 0};
    show("poll", poll(&in, 1, 1000));
    show("read", read(fd, info, sizeof info));
    printf("signal %u mine %d\n", info[0].ssi_signo, info[0].ssi_pid == (unsigned)getpid());
    pid_t pid = fork();
    if (!pid)
        _exit(9);
    poll(&in, 1, 3000);
    show("read", read(fd, info, sizeof info));
    printf("signal %u status %d from child %d\n", info[0].ssi_signo, info[0].ssi_status, info[0].ssi_pid == (unsigned)pid);
    show_status("child", reap(pid));
    show("short", read(fd, info, 10));
    sigemptyset(&set);
    show("change set", signalfd(fd, &set, 0) == fd);
    kill(getpid(), SIGUSR1);
    show("not in set", poll(&in, 1, 0));
    show("not a signalfd", signalfd(1, &set, 0));
    return 0;
}
