/* EINTR and SA_RESTART in read, wait, nanosleep, poll, pause */
#include "t.h"

static volatile int hits;
static void on(int number) { hits++; }

static void alarm_in(long ms)
{
    struct itimerval timer = {.it_value = {0, ms * 1000}};
    setitimer(ITIMER_REAL, &timer, NULL);
}

int main(void)
{
    int ends[2];
    char byte;
    if (pipe(ends))
        return 1;
    for (int restart = 0; restart < 2; restart++) {
        struct sigaction action = {.sa_handler = on, .sa_flags = restart ? SA_RESTART : 0};
        sigaction(SIGALRM, &action, NULL);
        printf("SA_RESTART %d\n", restart);
        pid_t pid = fork();
        if (!pid) {
            pause_ms(80);
            if (write(ends[1], "x", 1) != 1)
                _exit(1);
            pause_ms(60);
            _exit(6);
        }
        alarm_in(20);
        if (show("read", read(ends[0], &byte, 1)) < 0)
            show("read again", read(ends[0], &byte, 1));
        alarm_in(20);
        int status = 0;
        if (ok("waitpid", waitpid(pid, &status, 0)) < 0)
            ok("waitpid again", waitpid(pid, &status, 0));
        show_status("child", status);
        alarm_in(20);
        struct timespec wish = {5, 0}, left = {0, 0};
        show("nanosleep", nanosleep(&wish, &left));
        yes("time left", left.tv_sec == 4);
        alarm_in(20);
        struct pollfd in = {.fd = ends[0], .events = POLLIN};
        show("poll", poll(&in, 1, 5000));
        alarm_in(300); /* what waits for ever must be reached before the alarm, on a busy host too */
        show("pause", pause());
        alarm_in(300);
        fd_set set;
        FD_ZERO(&set);
        FD_SET(ends[0], &set);
        show("select", select(ends[0] + 1, &set, NULL, NULL, NULL));
        alarm_in(20);
        int queue = epoll_create1(0);
        struct epoll_event event;
        show("epoll_wait", epoll_wait(queue, &event, 1, 5000));
        close(queue);
        printf("hits %d\n", hits);
    }
    return 0;
}
