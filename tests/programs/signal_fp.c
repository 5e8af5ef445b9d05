/* floating point registers and flags across signals, forks and switches */
#include "t.h"

static volatile double scratch = 1.5;

static void on(int number)
{
    volatile double x = 3.25;
    for (int i = 0; i < 20; i++)
        x = x * 1.25 + scratch;
    scratch = x / x + 0.5;
}

static double work(int turns)
{
    double a = 1.1, b = 2.2, c = 3.3, d = 4.4, e = 5.5, f = 6.6;
    for (int i = 0; i < turns; i++) {
        a = a * 1.0000001 + 0.1;
        b = b * 0.9999999 + 0.2;
        c += a * 1e-9;
        d -= b * 1e-9;
        e = e * 0.5 + c;
        f = f * 0.5 + d;
    }
    return a + b + c + d + e + f;
}

int main(void)
{
    signal(SIGUSR1, on);
    signal(SIGVTALRM, on);
    double expected = work(300000);
    pid_t parent = getpid(), pid = fork();
    if (!pid) {
        for (int i = 0; i < 30; i++) {
            kill(parent, SIGUSR1);
            pause_ms(1);
        }
        _exit(work(300000) == expected ? 0 : 1);
    }
    bool same = true;
    for (int i = 0; i < 5; i++)
        same &= work(300000) == expected;
    yes("same result under signals", same);
    show_status("child", reap(pid));
    printf("%.17g\n", expected);
    printf("%.6f %.3e %g\n", 1.0 / 3, 123456.789, 1e300 * 1e10);
    printf("%d %d %d\n", (int)2.9, (int)-2.9, (int)(float)1e9);
    return 0;
}
