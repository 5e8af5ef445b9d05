/* EINTR and SA_RESTART in read, wait, nanosleep, poll, pause */
#include "t.h"

static volatile int *hits; /* shared: children wait for it to grow */
static void on(int number) { ++*hits; }

/* Signal the parent once it sleeps. */
static void poke(void)
{
    int before = *hits;
    until_asleep(getppid());
    kill(getppid(), SIGALRM);
    while (*hits == before)
        pause_ms(1);
}

static void poked(void)
{
    if (fork())
        return;
    poke();
    _exit(0);
}

static int unread(int fd)
{
    int count;
    return ioctl(fd, FIONREAD, &count) == 0 && count > 0;
}

int main(void)
{
    int ends[2];
    char byte;
    if (pipe(ends))
        return 1;
    hits = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    for (int restart = 0; restart < 2; restart++) {
        struct sigaction action = {.sa_handler = on, .sa_flags = restart ? SA_RESTART : 0};
        sigaction(SIGALRM, &action, NULL);
        printf("SA_RESTART %d\n", restart);
        pid_t pid = fork();
        if (!pid) {
            poke(); /* in read */
            until_asleep(getppid());
            if (write(ends[1], "x", 1) != 1)
                _exit(1);
            while (unread(ends[0]))
                pause_ms(1);
            poke(); /* in waitpid */
            until_asleep(getppid());
            _exit(6);
        }
        if (show("read", read(ends[0], &byte, 1)) < 0)
            show("read again", read(ends[0], &byte, 1));
        int status = 0;
        if (ok("waitpid", waitpid(pid, &status, 0)) < 0)
            ok("waitpid again", waitpid(pid, &status, 0));
        show_status("child", status);
        poked();
        struct timespec wish = {5, 0}, left = {0, 0};
        show("nanosleep", nanosleep(&wish, &left));
        yes("time left", left.tv_sec == 4);
        poked();
        struct pollfd in = {.fd = ends[0], .events = POLLIN};
        show("poll", poll(&in, 1, 5000));
        poked();
        show("pause", pause());
        poked();
        fd_set set;
        FD_ZERO(&set);
        FD_SET(ends[0], &set);
        show("select", select(ends[0] + 1, &set, NULL, NULL, NULL));
        poked();
        int queue = epoll_create1(0);
        struct epoll_event event;
        show("epoll_wait", epoll_wait(queue, &event, 1, 5000));
        close(queue);
        printf("hits %d\n", *hits);
    }
    return 0;
}
