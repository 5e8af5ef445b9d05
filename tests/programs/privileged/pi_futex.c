/* Futexes that lend priority: who holds a lock has the priority of who waits; requeueing to such a lock */
#include "../t.h"

#include <linux/futex.h>

#define TID(word) ((word) & FUTEX_TID_MASK)

static uint32_t lock, second, condition;
static volatile int stage;
static volatile pid_t owner_tid, middle_tid;

static long futex(uint32_t *addr, int op, uint32_t value, void *time, uint32_t *other, uint32_t value3)
{
    return syscall(SYS_futex, addr, op, value, time, other, value3);
}

static pid_t tid(void)
{
    return syscall(SYS_gettid);
}

/* The priority that the scheduler uses: -1 - real-time priority, or 20 + nice. */
static int priority(pid_t thread)
{
    char path[64], text[512] = "";
    int value = 99;
    snprintf(path, sizeof path, "/proc/self/task/%d/stat", (int)thread);
    int fd = open(path, O_RDONLY);
    read(fd, text, sizeof text - 1);
    close(fd);
    char *rest = strrchr(text, ')');
    if (rest)
        sscanf(rest + 2, "%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %d", &value);
    return value;
}

static void await_priority(pid_t thread, int wanted)
{
    for (int i = 0; i < 2000 && priority(thread) != wanted; i++)
        pause_ms(1);
    printf("%d\n", priority(thread));
    fflush(stdout);
}

static void set_fifo(int level)
{
    struct sched_param param = {level};
    if (syscall(SYS_sched_setscheduler, 0, level ? SCHED_FIFO : SCHED_OTHER, &param) < 0)
        exit(96);
}

static void *waiter(void *level)
{
    set_fifo((intptr_t)level);
    long result = futex(&lock, FUTEX_LOCK_PI, 0, NULL, NULL, 0);
    if (!result)
        futex(&lock, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0);
    return (void *)result;
}

static void *middle(void *unused)
{
    middle_tid = tid();
    futex(&second, FUTEX_LOCK_PI, 0, NULL, NULL, 0);
    stage = 1;
    futex(&lock, FUTEX_LOCK_PI, 0, NULL, NULL, 0);
    futex(&lock, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0);
    futex(&second, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0);
    return NULL;
}

static void *last(void *unused)
{
    set_fifo(40);
    futex(&second, FUTEX_LOCK_PI, 0, NULL, NULL, 0);
    futex(&second, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0);
    return NULL;
}

static void lending(void)
{
    pthread_t threads[2];
    struct sched_param param;
    owner_tid = tid();
    ok("lock", futex(&lock, FUTEX_LOCK_PI, 0, NULL, NULL, 0));
    printf("%d\n", priority(owner_tid));
    pthread_create(&threads[0], NULL, waiter, (void *)10);
    await_priority(owner_tid, -11);
    pthread_create(&threads[1], NULL, waiter, (void *)20);
    await_priority(owner_tid, -21);
    syscall(SYS_sched_getparam, 0, &param);
    printf("its own %d, policy %ld\n", param.sched_priority, syscall(SYS_sched_getscheduler, 0));
    fflush(stdout);
    pid_t child = fork();
    if (!child) {
        printf("child %d\n", priority(getpid()));
        fflush(stdout);
        _exit(0);
    }
    reap(child);
    ok("unlock", futex(&lock, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0));
    await_priority(owner_tid, 20);
    pthread_join(threads[0], NULL), pthread_join(threads[1], NULL);
    printf("free %u\n", lock);
}

static void chain(void)
{
    pthread_t threads[2];
    ok("lock", futex(&lock, FUTEX_LOCK_PI, 0, NULL, NULL, 0));
    pthread_create(&threads[0], NULL, middle, NULL);
    while (!stage)
        sched_yield();
    while (!(*(volatile uint32_t *)&lock & FUTEX_WAITERS))
        sched_yield();
    pthread_create(&threads[1], NULL, last, NULL);
    await_priority(middle_tid, -41);
    await_priority(owner_tid, -41);
    ok("deadlock", futex(&second, FUTEX_LOCK_PI, 0, NULL, NULL, 0));
    ok("unlock", futex(&lock, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0));
    pthread_join(threads[0], NULL), pthread_join(threads[1], NULL);
    await_priority(owner_tid, 20);
    printf("free %u %u\n", lock, second);
}

static void *nicest(void *unused)
{
    setpriority(PRIO_PROCESS, tid(), 15);
    futex(&lock, FUTEX_LOCK_PI, 0, NULL, NULL, 0);
    printf("nice %d\n", priority(tid()));
    fflush(stdout);
    middle_tid = tid();
    await_priority(middle_tid, 20);
    printf("its own %d\n", getpriority(PRIO_PROCESS, tid()));
    fflush(stdout);
    futex(&lock, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0);
    await_priority(middle_tid, 35);
    return NULL;
}

/* A nice value is lent too: it is seen, and no share of the CPU comes with it. */
static void niceness(void)
{
    pthread_t thread;
    middle_tid = 0;
    pthread_create(&thread, NULL, nicest, NULL);
    while (!middle_tid)
        sched_yield();
    futex(&lock, FUTEX_LOCK_PI, 0, NULL, NULL, 0);
    futex(&lock, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0);
    pthread_join(thread, NULL);
}

static int got;

static void *sleeper(void *unused)
{
    long result = futex(&condition, FUTEX_WAIT_REQUEUE_PI, 0, NULL, &lock, 0);
    if (!result && TID(lock) == (uint32_t)tid()) {
        got++;
        futex(&lock, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0);
    }
    return NULL;
}

static long requeue(int wake, int move, uint32_t expected)
{
    return futex(&condition, FUTEX_CMP_REQUEUE_PI, wake, (void *)(intptr_t)move, &lock, expected);
}

static void requeueing(void)
{
    pthread_t threads[4];
    struct timespec past = {0, 1};
    long moved = 0;
    ok("same", futex(&lock, FUTEX_WAIT_REQUEUE_PI, 0, NULL, &lock, 0));
    ok("value", futex(&condition, FUTEX_WAIT_REQUEUE_PI, 1, NULL, &lock, 0));
    ok("past", futex(&condition, FUTEX_WAIT_REQUEUE_PI, 0, &past, &lock, 0));
    ok("wake none", requeue(0, 1, 0));
    ok("wake two", requeue(2, 1, 0));
    ok("compared", requeue(1, 1, 5));
    show("nobody", requeue(1, 1, 0));
    for (int i = 0; i < 3; i++)
        pthread_create(&threads[i], NULL, sleeper, NULL);
    ok("lock", futex(&lock, FUTEX_LOCK_PI, 0, NULL, NULL, 0));
    while (moved < 3) {
        long result = requeue(1, 2 - (int)moved, 0);
        if (result < 0)
            exit(95);
        moved += result;
        sched_yield();
    }
    ok("unlock", futex(&lock, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0));
    for (int i = 0; i < 3; i++)
        pthread_join(threads[i], NULL);
    printf("had it %d, free %u\n", got, lock);
    pthread_create(&threads[0], NULL, sleeper, NULL);
    while (requeue(1, 0, 0) != 1)
        sched_yield();
    pthread_join(threads[0], NULL);
    printf("had it %d, free %u\n", got, lock);
    pthread_create(&threads[0], NULL, sleeper, NULL);
    long result;
    while ((result = futex(&condition, FUTEX_WAKE, 1, NULL, NULL, 0)) == 0)
        sched_yield();
    ok("wake", result);
    while (requeue(1, 0, 0) != 1)
        sched_yield();
    pthread_join(threads[0], NULL);
}

int main(void)
{
    setpriority(PRIO_PROCESS, 0, 0);
    lending();
    chain();
    niceness();
    requeueing();
    return 0;
}
