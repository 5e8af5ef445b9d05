#include <signal.h>
#include <sys/time.h>

static volatile int ticks;

static void on_tick(int signo) {
    ticks++; /* tick */
}

static int half(int n) {
    return n / 2;
}

int main(void) {
    struct itimerval every = {{0, 1000}, {0, 1000}};
    signal(SIGALRM, on_tick);
    setitimer(ITIMER_REAL, &every, 0);
    int n = 0;
    for (;;) {
        n++; /* first */
        n = half(n) * 2; /* second */
        if (ticks > 1000000) /* third */
            return 0;
    }
}
