/* threads - several threads count together under one lock: threads [THREADS] [TURNS] */
#include <pthread.h>
#include "starry.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static unsigned long locked, careless;
static long turns;

static void *count(void *argument)
{
    for (long i = 0; i < turns; i++) {
        careless = careless + 1; /* no lock: turns get lost when a switch comes in between */
        pthread_mutex_lock(&lock);
        locked++;
        pthread_mutex_unlock(&lock);
    }
    return argument;
}

int main_threads(int argc, char **argv)
{
    int number = argc > 1 ? atoi(argv[1]) : 4;
    turns = argc > 2 ? atol(argv[2]) : 100000;
    if (number < 1 || number > 64)
        die("1 to 64 threads");
    pthread_t threads[64];
    for (int i = 0; i < number; i++)
        if ((errno = pthread_create(&threads[i], NULL, count, NULL)))
            die_errno("pthread_create");
    for (int i = 0; i < number; i++)
        pthread_join(threads[i], NULL);
    printf("with the lock %lu, without %lu, expected %lu\n", locked, careless, number * turns);
    return locked != number * turns;
}
