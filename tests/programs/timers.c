/* timerfd, itimers, POSIX timers, clocks, nanosleep, alarm */
#include "t.h"

static volatile int hits, value;
static void on(int number, siginfo_t *info, void *context)
{
    hits++;
    value = info->si_code == SI_TIMER ? info->si_value.sival_int : -1;
}

int main(void)
{
    struct timespec t, wish = {0, 30000000};
    struct sigaction action = {.sa_sigaction = on, .sa_flags = SA_SIGINFO};
    sigaction(SIGALRM, &action, NULL);
    sigaction(SIGUSR1, &action, NULL);
    sigaction(SIGVTALRM, &action, NULL);
    sigaction(SIGPROF, &action, NULL);
    static const int clocks[] = {CLOCK_REALTIME, CLOCK_MONOTONIC, CLOCK_PROCESS_CPUTIME_ID, CLOCK_THREAD_CPUTIME_ID, CLOCK_MONOTONIC_RAW, CLOCK_BOOTTIME, CLOCK_REALTIME_COARSE};
    for (int i = 0; i < 7; i++)
        ok("clock_gettime", clock_gettime(clocks[i], &t));
    show("bad clock", clock_gettime(77, &t));
    show("getres", (clock_getres(CLOCK_MONOTONIC, &t), t.tv_nsec));
    int64_t start = now_ms();
    show("nanosleep", nanosleep(&wish, NULL));
    yes("slept", now_ms() - start >= 29);
    wish.tv_nsec = 1000000000;
    show("bad nanoseconds", nanosleep(&wish, NULL));
    wish = (struct timespec){-1, 0};
    show("negative", nanosleep(&wish, NULL));
    clock_gettime(CLOCK_MONOTONIC, &t);
    t.tv_nsec += 20000000;
    if (t.tv_nsec >= 1000000000) t.tv_nsec -= 1000000000, t.tv_sec++;
    printf("absolute: %d\n", clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL));
    printf("in the past: %d\n", clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &(struct timespec){1, 0}, NULL));
    int fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
    struct itimerspec spec = {{0, 10000000}, {0, 10000000}}, old;
    uint64_t count;
    show("not armed", read(fd, &count, 8));
    start = now_ms();
    show("settime", timerfd_settime(fd, 0, &spec, NULL));
    pause_ms(55);
    show("read", read(fd, &count, 8));
    yes("expired every 10 ms", count >= 4 && count <= (now_ms() - start + 1) / 10);
    show("gettime", timerfd_gettime(fd, &old));
    yes("interval", old.it_interval.tv_nsec == 10000000 && old.it_value.tv_nsec <= 10000000);
    spec = (struct itimerspec){0};
    show("disarm", timerfd_settime(fd, 0, &spec, &old));
    show("nothing", read(fd, &count, 8));
    show("bad clock", timerfd_create(99, 0));
    struct itimerval timer = {{0, 0}, {0, 300000}}, was; /* pause() must be reached before */
    show("setitimer", setitimer(ITIMER_REAL, &timer, NULL));
    pause();
    show("hits", hits);
    timer.it_value.tv_sec = 100;
    setitimer(ITIMER_REAL, &timer, NULL);
    timer = (struct itimerval){0};
    setitimer(ITIMER_REAL, &timer, &was);
    yes("old value", was.it_value.tv_sec >= 99);
    show("alarm", alarm(50));
    yes("alarm left", alarm(0) == 50);
    timer.it_value.tv_usec = 20000;
    hits = 0;
    setitimer(ITIMER_VIRTUAL, &timer, NULL);
    while (!hits)
        ;
    show("virtual", hits);
    timer_t id;
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1, .sigev_value.sival_int = 77};
    show("timer_create", timer_create(CLOCK_MONOTONIC, &event, &id));
    spec = (struct itimerspec){{0, 0}, {0, 20000000}};
    hits = 0;
    show("timer_settime", timer_settime(id, 0, &spec, NULL));
    while (!hits)
        pause_ms(5);
    show("value", value);
    show("overrun", timer_getoverrun(id));
    show("delete", timer_delete(id));
    struct rusage use;
    show("getrusage", getrusage(RUSAGE_SELF, &use));
    yes("used some", use.ru_utime.tv_sec * 1000000 + use.ru_utime.tv_usec + use.ru_stime.tv_usec > 0);
    struct timeval tv;
    show("gettimeofday", gettimeofday(&tv, NULL));
    return 0;
}
