/* Signals of readiness (O_ASYNC, F_SETOWN, F_SETSIG), and of used-up CPU time (RLIMIT_CPU) */
#include "t.h"

static volatile int count, last_code, last_fd, last_signal;

static void handler(int signo, siginfo_t *info, void *context)
{
    (void)context;
    count++;
    last_signal = signo;
    last_code = info->si_code;
    last_fd = info->si_fd;
}

static void await_count(int wanted)
{
    for (int i = 0; count < wanted && i < 1000; i++)
        pause_ms(5);
}

static void said(const char *what)
{
    printf("%s: count %d, %s\n", what, count, last_signal == SIGIO ? "SIGIO" : "another signal");
    count = 0;
}

static void pipes(void)
{
    int ends[2];
    char byte;
    pipe(ends);
    show("own", fcntl(ends[0], F_SETOWN, getpid()));
    show("owned", fcntl(ends[0], F_GETOWN) == getpid());
    show("owned by nobody", fcntl(ends[0], F_SETOWN, 99999999));
    write(ends[1], "a", 1);
    said("without the flag");
    read(ends[0], &byte, 1);
    show("flag", fcntl(ends[0], F_SETFL, O_ASYNC | O_NONBLOCK));
    show("is set", fcntl(ends[0], F_GETFL) & O_ASYNC);
    write(ends[1], "b", 1);
    await_count(1);
    said("written");
    read(ends[0], &byte, 1);
    show("signal", fcntl(ends[0], F_SETSIG, SIGRTMIN));
    show("which", fcntl(ends[0], F_GETSIG) == SIGRTMIN);
    show("no signal", fcntl(ends[0], F_SETSIG, 65));
    write(ends[1], "c", 1);
    await_count(1);
    printf("code %d, our descriptor %d\n", last_code, last_fd == ends[0]);
    said("with a signal");
    struct f_owner_ex owner = {F_OWNER_TID, gettid()}, found = {0};
    show("a thread", fcntl(ends[0], F_SETOWN_EX, &owner));
    show("its", fcntl(ends[0], F_GETOWN_EX, &found));
    printf("kind %d\n", found.type);
    read(ends[0], &byte, 1);
    fcntl(ends[0], F_SETSIG, 0);
    write(ends[1], "d", 1);
    await_count(1);
    said("to a thread");
    read(ends[0], &byte, 1);
    show("a group", fcntl(ends[0], F_SETOWN, -getpgrp()));
    owner = (struct f_owner_ex){9, 1};
    show("no such kind", fcntl(ends[0], F_SETOWN_EX, &owner));
    fcntl(ends[0], F_SETOWN, getpid());
    fcntl(ends[0], F_SETFL, O_NONBLOCK);
    write(ends[1], "e", 1);
    said("flag off");
    int on = 1;
    show("by ioctl", ioctl(ends[0], FIOASYNC, &on));
    show("is set", fcntl(ends[0], F_GETFL) & O_ASYNC);
}

static void sockets(void)
{
    int pair[2];
    socketpair(AF_UNIX, SOCK_STREAM, 0, pair);
    fcntl(pair[0], F_SETOWN, getpid());
    fcntl(pair[0], F_SETFL, O_ASYNC);
    count = 0;
    write(pair[1], "x", 1);
    await_count(1);
    said("a socket");
}

static void files(void)
{
    int on = 1;
    make_file("plain", "x");
    int fd = open("plain", O_RDWR);
    show("flag of a file", fcntl(fd, F_SETFL, O_ASYNC));
    show("by ioctl", ioctl(fd, FIOASYNC, &on));
    struct f_owner_ex owner = {9, 9};
    show("owner", fcntl(fd, F_GETOWN_EX, &owner));
    printf("kind %d, %d\n", owner.type, owner.pid);
    unlink("plain");
}

static void spend(void)
{
    for (;;)
        ;
}

static void cpu_limit(void)
{
    struct rlimit limit = {1, 2};
    fflush(stdout);
    pid_t pid = fork();
    if (!pid) {
        setrlimit(RLIMIT_CPU, &limit);
        spend();
    }
    show_status("soft limit", reap(pid));
    pid = fork();
    if (!pid) {
        signal(SIGXCPU, SIG_IGN);
        setrlimit(RLIMIT_CPU, &limit);
        pid = fork(); /* a child has the limit, and CPU time of its own */
        if (!pid)
            spend();
        show_status("hard limit", reap(pid));
        getrlimit(RLIMIT_CPU, &limit);
        printf("ours is still %d\n", (int)limit.rlim_cur);
        fflush(stdout);
        _exit(0);
    }
    reap(pid);
    pid = fork();
    if (!pid) {
        struct sigaction action = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO};
        sigaction(SIGXCPU, &action, NULL);
        limit = (struct rlimit){0, RLIM_INFINITY};
        count = 0;
        setrlimit(RLIMIT_CPU, &limit);
        while (!count)
            ;
        getrlimit(RLIMIT_CPU, &limit);
        printf("at once: signal %d, the limit is now %d\n", last_signal, (int)limit.rlim_cur);
        fflush(stdout);
        _exit(0);
    }
    reap(pid);
}

int main(void)
{
    struct sigaction action = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO | SA_RESTART};
    sigaction(SIGIO, &action, NULL);
    sigaction(SIGRTMIN, &action, NULL);
    pipes();
    sockets();
    files();
    cpu_limit();
    return 0;
}
