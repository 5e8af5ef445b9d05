/* A thread-local variable in two threads. */
#include <pthread.h>

__thread int mine = 5;

static void together(void)
{
}

static void *other(void *arg)
{
    mine = 9;
    together();
    return arg;
}

int main(void)
{
    pthread_t thread;
    mine = 7;
    pthread_create(&thread, NULL, other, NULL);
    pthread_join(thread, NULL);
    return mine;
}
