/* Threads that compute, wait for a lock and for each other. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static volatile unsigned long total;

__attribute__((noinline)) static unsigned long work(int depth, unsigned long x)
{
    if (depth == 0)
        return x * 31;
    return work(depth - 1, x + depth) ^ depth;
}

__attribute__((noinline)) static void locked(unsigned long x)
{
    pthread_mutex_lock(&lock);
    total += work(3, x);
    pthread_mutex_unlock(&lock);
}

static void *run(void *argument)
{
    unsigned long n = (unsigned long)argument;
    char *text = malloc(64);
    for (int i = 0; i < 50; i++) {
        memset(text, i, 64);
        locked(work((int)n, i) + text[i % 64]);
    }
    free(text);
    return 0;
}

int main(int argc, char **argv)
{
    for (int round = 0; argc < 2 || round < 2; round++) {
        pthread_t threads[3];
        for (unsigned long i = 0; i < 3; i++)
            pthread_create(&threads[i], 0, run, (void *)(i + 2));
        for (int i = 0; i < 3; i++)
            pthread_join(threads[i], 0);
    }
    return 0;
}
