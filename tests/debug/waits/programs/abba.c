#define _GNU_SOURCE
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

static void make(pthread_mutex_t *m, int type, int shared)
{
    pthread_mutexattr_t a;
    pthread_mutexattr_init(&a);
    pthread_mutexattr_settype(&a, type);
    pthread_mutexattr_setpshared(&a, shared);
    pthread_mutex_init(m, &a);
}
static pthread_mutex_t own[2];
static pthread_mutex_t *lock;
static volatile int *ready;
static void *take_file(void *arg)
{
    FILE *first = arg ? stdout : stderr, *second = arg ? stderr : stdout;
    flockfile(first);
    __sync_fetch_and_add(ready, 1);
    while (*ready < 2)
        usleep(1000);
    flockfile(second);
    return 0;
}
static void *take(void *arg)
{
    int first = arg != 0;
    pthread_mutex_lock(&lock[first]);
    __sync_fetch_and_add(ready, 1);
    while (*ready < 2)
        usleep(1000);
    pthread_mutex_lock(&lock[!first]);
    return 0;
}
int main(int argc, char **argv)
{
    int shared = argc > 1 && argv[1][0] == 'p';
    int type = argc > 2 ? PTHREAD_MUTEX_ERRORCHECK : PTHREAD_MUTEX_NORMAL;
    char *m = mmap(0, 4096, 3, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    lock = shared ? (pthread_mutex_t *)m : own;
    ready = (int *)(m + 1024);
    make(&lock[0], type, shared);
    make(&lock[1], type, shared);
    if (shared) {
        if (!fork()) { take(0); return 0; }
        if (!fork()) { take((void *)1); return 0; }
        wait(0);
    } else {
        pthread_t t;
        void *(*both)(void *) = argv[1][0] == 'f' ? take_file : take;
        pthread_create(&t, 0, both, 0);
        both((void *)1);
    }
    return 0;
}
