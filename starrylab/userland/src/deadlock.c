/* deadlock - two threads take two locks in opposite order, and wait for ever */
#include <pthread.h>
#include "starry.h"

static pthread_mutex_t forks[2] = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_MUTEX_INITIALIZER};
static pthread_barrier_t both_hold_one;

static void *philosopher(void *argument)
{
    int left = argument != NULL, right = !left;
    pthread_mutex_lock(&forks[left]);
    printf("philosopher %d holds fork %d and waits for fork %d\n", left, left, right);
    fflush(stdout);
    pthread_barrier_wait(&both_hold_one); /* make it happen every time */
    pthread_mutex_lock(&forks[right]);
    printf("philosopher %d eats\n", left);
    return NULL;
}

int main_deadlock(int argc, char **argv)
{
    pthread_t threads[2];
    pthread_barrier_init(&both_hold_one, NULL, 2);
    for (long i = 0; i < 2; i++)
        if ((errno = pthread_create(&threads[i], NULL, philosopher, (void *)i)))
            die_errno("pthread_create");
    puts("look at the two threads: both wait in futex(); Ctrl-C ends it");
    fflush(stdout);
    for (int i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
    return 0;
}
