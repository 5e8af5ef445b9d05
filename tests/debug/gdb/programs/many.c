/* One program, many ways: threads, forks, vforks, exec, signals, a loop. */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
volatile long spins;
static pthread_barrier_t together;
static void *spin(void *arg)
{
    pthread_barrier_wait(&together);
    for (;;)
        spins++;
    return arg;
}
static void *sleeper(void *arg)
{
    pthread_barrier_wait(&together);
    pause();
    return arg;
}
static void ready(void)
{
    spins++;
}
static int threads(void)
{
    pthread_t a, b;
    pthread_barrier_init(&together, NULL, 3);
    pthread_create(&a, NULL, spin, NULL);
    pthread_create(&b, NULL, sleeper, NULL);
    pthread_barrier_wait(&together);
    ready();
    pthread_join(a, NULL);
    return 0;
}
static void in_child(int n)
{
    printf("child %d\n", n);
    fflush(stdout);
    _exit(n);
}
static int forks(int n)
{
    int status;
    pid_t pid = fork();
    if (pid == 0)
        in_child(n);
    waitpid(pid, &status, 0);
    printf("parent saw %d\n", WEXITSTATUS(status));
    return 0;
}
static int vforks(char **argv)
{
    int status;
    pid_t pid = vfork();
    if (pid == 0) {
        execl(argv[0], argv[0], "hello", NULL);
        _exit(127);
    }
    waitpid(pid, &status, 0);
    printf("parent saw %d\n", WEXITSTATUS(status));
    return 0;
}
static void *short_lived(void *arg)
{
    spins++; /* mark: short */
    return arg;
}
static int ends(void)
{
    pthread_t a;
    pthread_create(&a, NULL, short_lived, NULL);
    pthread_join(a, NULL);
    return 4;
}
static char buffer[16];
static int reads(void)
{
    int ends[2];
    pipe(ends);
    if (write(ends[1], "bytes", 5) != 5)
        return 1;
    return read(ends[0], buffer, sizeof buffer) == 5 ? 0 : 2;
}
static int hello(void)
{
    printf("hello\n");
    return 3;
}
static volatile int got;
static void handler(int signo)
{
    got = signo;
}
static int signals(void)
{
    signal(SIGUSR1, handler);
    kill(getpid(), SIGUSR1);
    printf("got %d\n", got);
    fflush(stdout);
    *(volatile int *)16 = 1;
    return 0;
}
static int looping(void)
{
    for (;;)
        spins++;
}
int main(int argc, char **argv)
{
    if (argc < 2) return 1;
    if (!strcmp(argv[1], "threads")) return threads();
    if (!strcmp(argv[1], "forks")) return forks(5);
    if (!strcmp(argv[1], "vforks")) return vforks(argv);
    if (!strcmp(argv[1], "hello")) return hello();
    if (!strcmp(argv[1], "signals")) return signals();
    if (!strcmp(argv[1], "loop")) return looping();
    if (!strcmp(argv[1], "reads")) return reads();
    if (!strcmp(argv[1], "ends")) return ends();
    if (!strcmp(argv[1], "pause")) return pause();
    if (!strcmp(argv[1], "exec")) { execl(argv[0], argv[0], "hello", NULL); return 2; }
    return 1;
}
