/* pthreads: join, mutex, condition, barrier, keys, detached, cancel, rwlock, once, kill */
#include "t.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static pthread_barrier_t barrier;
static pthread_key_t key;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static long counter, turn, destroyed, initialised;
static __thread int mine = 5;

static void destroy(void *value) { __atomic_add_fetch(&destroyed, (long)value, __ATOMIC_SEQ_CST); }
static void init(void) { initialised++; }

static void *count(void *argument)
{
    pthread_once(&once, init);
    mine += (int)(long)argument;
    pthread_setspecific(key, (void *)10L);
    for (int i = 0; i < 2000; i++) {
        pthread_mutex_lock(&lock);
        counter++;
        pthread_mutex_unlock(&lock);
    }
    pthread_barrier_wait(&barrier);
    return (void *)(long)mine;
}

static void *player(void *argument)
{
    long me = (long)argument;
    for (int i = 0; i < 200; i++) {
        pthread_mutex_lock(&lock);
        while (turn != me)
            pthread_cond_wait(&changed, &lock);
        turn = !me;
        counter++;
        pthread_cond_signal(&changed);
        pthread_mutex_unlock(&lock);
    }
    return NULL;
}

static void *sleeper(void *argument)
{
    for (;;)
        pause_ms(1000);
}

static void *quitter(void *argument)
{
    pthread_exit((void *)33L);
}

static volatile int handled;
static void on(int number) { handled = gettid() != getpid(); }

static void *waiter(void *argument)
{
    while (!handled)
        pause_ms(2);
    return NULL;
}

int main(void)
{
    pthread_t threads[4];
    void *result;
    pthread_key_create(&key, destroy);
    pthread_barrier_init(&barrier, NULL, 4);
    for (long i = 0; i < 4; i++)
        pthread_create(&threads[i], NULL, count, (void *)i);
    for (int i = 0; i < 4; i++) {
        pthread_join(threads[i], &result);
        show("result", (long)result);
    }
    printf("counter %ld destroyed %ld initialised %ld mine %d\n", counter, destroyed, initialised, mine);
    counter = 0;
    for (long i = 0; i < 2; i++)
        pthread_create(&threads[i], NULL, player, (void *)i);
    for (int i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
    show("turns", counter);
    pthread_create(&threads[0], NULL, sleeper, NULL);
    pause_ms(10);
    show("cancel", pthread_cancel(threads[0]));
    pthread_join(threads[0], &result);
    yes("cancelled", result == PTHREAD_CANCELED);
    pthread_create(&threads[0], NULL, quitter, NULL);
    pthread_join(threads[0], &result);
    show("pthread_exit", (long)result);
    struct timespec when;
    clock_gettime(CLOCK_REALTIME, &when);
    when.tv_nsec += 20000000;
    if (when.tv_nsec >= 1000000000) when.tv_nsec -= 1000000000, when.tv_sec++;
    pthread_mutex_lock(&lock);
    printf("timed wait: %s\n", error_name(pthread_cond_timedwait(&changed, &lock, &when)));
    printf("trylock: %s\n", error_name(pthread_mutex_trylock(&lock)));
    pthread_mutex_unlock(&lock);
    signal(SIGUSR1, on);
    pthread_create(&threads[0], NULL, waiter, NULL);
    pthread_kill(threads[0], SIGUSR1);
    pthread_join(threads[0], NULL);
    yes("handled in the thread", handled);
    pthread_mutexattr_t attributes;
    pthread_mutex_t checked;
    pthread_mutexattr_init(&attributes);
    pthread_mutexattr_settype(&attributes, PTHREAD_MUTEX_ERRORCHECK);
    pthread_mutex_init(&checked, &attributes);
    pthread_mutex_lock(&checked);
    printf("again: %s\n", error_name(pthread_mutex_lock(&checked)));
    pthread_create(&threads[0], NULL, sleeper, NULL);
    pid_t pid = fork(); /* only this thread goes along */
    if (!pid)
        _exit(3);
    show_status("fork from threads", reap(pid));
    if (!(pid = fork())) {
        pthread_create(&threads[1], NULL, sleeper, NULL);
        exit(8); /* ends them all */
    }
    show_status("exit_group", reap(pid));
    return 0;
}
