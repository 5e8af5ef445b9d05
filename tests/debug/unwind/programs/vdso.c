/* Faults in the vDSO, in a signal handler. */
#include <signal.h>
#include <time.h>

static void handler(int signo)
{
    clock_gettime(CLOCK_MONOTONIC, (struct timespec *)(long)(signo * 8));
}

int main(void)
{
    signal(SIGUSR1, handler);
    return raise(SIGUSR1);
}
