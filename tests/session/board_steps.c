/* Something to step through, with a signal handler on the way. */
#include <signal.h>
#include <stdio.h>

struct point { int x, y; double w; };

static volatile int counter;

int depth(int n)
{
    if (n == 0) {
        counter++;
        return 1;
    }
    int below = depth(n - 1);
    return below + n;
}

static void handler(int number)
{
    counter += number;
}

int main(int argc, char **argv)
{
    struct point p = {3, 4, 2.5};
    signal(SIGUSR1, handler);
    int x = depth(3);
    raise(SIGUSR1);
    p.w *= x;
    printf("x=%d w=%g counter=%d\n", x, p.w, counter);
    return argc + 2;
}
