/* futex_wait, futex_wake, futex_requeue: wake-ups, masks, timeouts, errors in their order */
#include "../t.h"

#define WAKE 454
#define WAIT 455
#define REQUEUE 456
#define U32 2
#define NUMA 4
#define PRIVATE 128

struct waiter { uint64_t val, uaddr; uint32_t flags, reserved; };

static uint32_t word, other, pair[2] __attribute__((aligned(8)));

static long wake(void *addr, unsigned long mask, int nr, unsigned flags)
{
    return syscall(WAKE, addr, mask, nr, flags);
}

static long wait_for(void *addr, unsigned long val, unsigned long mask, unsigned flags,
                     struct timespec *time, int clock)
{
    return syscall(WAIT, addr, val, mask, flags, time, clock);
}

static void *sleeper(void *mask)
{
    long result = wait_for(&word, 0, (uintptr_t)mask, U32 | PRIVATE, NULL, 0);
    return (void *)result;
}

/* Wake until as many sleepers as there must be were woken. */
static void wake_all(void *addr, unsigned long mask, int count)
{
    while (count > 0) {
        long woken = wake(addr, mask, count, U32 | PRIVATE);
        if (woken < 0)
            exit(97);
        count -= woken;
        sched_yield();
    }
}

static void note(int number)
{
}

static void *poke(void *thread)
{
    pause_ms(30);
    pthread_kill(*(pthread_t *)thread, SIGUSR1);
    return NULL;
}

int main(void)
{
    struct timespec past = {0, 1}, bad = {0, -1}, soon;
    struct waiter two[2] = {{0, (uintptr_t)&word, U32 | PRIVATE, 0},
                            {0, (uintptr_t)&other, U32 | PRIVATE, 0}};
    pthread_t threads[3], self = pthread_self();
    ok("no such flag", wake(&word, 1, 1, 1 << 20 | U32));
    ok("size 8", wake(&word, 1, 1, 0));
    ok("size 64", wake(&word, 1, 1, 3));
    ok("no mask", wake(&word, 0, 1, U32));
    ok("wide mask", wake(&word, 1UL << 32, 1, U32));
    ok("odd address", wake((char *)&word + 1, 1, 1, U32));
    ok("bad address", wake((void *)4096, 1, 1, U32));
    show("bad private address", wake((void *)4096, 1, 1, U32 | PRIVATE));
    show("nobody", wake(&word, 1, 1, U32));
    ok("wait: other value", wait_for(&word, 1, 1, U32, NULL, 0));
    ok("wait: wide value", wait_for(&word, 1UL << 32, 1, U32, NULL, 0));
    ok("wait: no mask", wait_for(&word, 0, 0, U32, NULL, 0));
    ok("wait: bad clock", wait_for(&word, 0, 1, U32, &past, 7));
    ok("wait: bad time", wait_for(&word, 0, 1, U32, &bad, CLOCK_MONOTONIC));
    ok("wait: past", wait_for(&word, 0, 1, U32, &past, CLOCK_MONOTONIC));
    ok("wait: past, real", wait_for(&word, 0, 1, U32, &past, CLOCK_REALTIME));
    clock_gettime(CLOCK_MONOTONIC, &soon);
    soon.tv_sec += (soon.tv_nsec + 30000000) / 1000000000;
    soon.tv_nsec = (soon.tv_nsec + 30000000) % 1000000000;
    ok("wait: soon", wait_for(&word, 0, 1, U32, &soon, CLOCK_MONOTONIC));

    pthread_create(&threads[0], NULL, sleeper, (void *)1);
    pthread_create(&threads[1], NULL, sleeper, (void *)2);
    wake_all(&word, 2, 1);
    pthread_join(threads[1], NULL);
    show("zero wakes none", wake(&word, 1, 0, U32 | PRIVATE));
    wake_all(&word, 1, 1);
    pthread_join(threads[0], NULL);

    for (int i = 0; i < 3; i++)
        pthread_create(&threads[i], NULL, sleeper, (void *)-1UL);
    for (int i = 0; i < 3; i++)
        pthread_join(threads[i], NULL);
    for (int i = 0; i < 3; i++)
        pthread_create(&threads[i], NULL, sleeper, (void *)0xffffffff);
    long moved = 0;
    while (moved < 3) {
        long result = syscall(REQUEUE, two, 0, 0, 3 - (int)moved);
        moved += result > 0 ? result : 0;
        sched_yield();
    }
    show("nobody is left", wake(&word, 0xffffffff, 3, U32 | PRIVATE));
    show("they are here", wake(&other, 0xffffffff, 3, U32 | PRIVATE));
    for (int i = 0; i < 3; i++)
        pthread_join(threads[i], NULL);

    ok("requeue: flags", syscall(REQUEUE, two, 1, 0, 1));
    ok("requeue: nothing", syscall(REQUEUE, NULL, 0, 0, 1));
    ok("requeue: bad", syscall(REQUEUE, (void *)4096, 0, 0, 1));
    ok("requeue: negative", syscall(REQUEUE, two, 0, -1, 1));
    two[1].reserved = 1;
    ok("requeue: reserved", syscall(REQUEUE, two, 0, 0, 1));
    two[1].reserved = 0, two[1].flags = 0;
    ok("requeue: size", syscall(REQUEUE, two, 0, 0, 1));
    two[1].flags = U32;
    ok("requeue: unlike", syscall(REQUEUE, two, 0, 0, 1));
    two[1].flags = two[0].flags, two[0].val = 5;
    ok("requeue: value", syscall(REQUEUE, two, 0, 0, 1));

    pair[1] = -1;
    ok("node: odd", wake(&pair[1], 1, 1, U32 | NUMA));
    show("node", wake(pair, 1, 1, U32 | NUMA));
    printf("%u\n", pair[1]);
    pair[1] = 12345;
    ok("node: none such", wake(pair, 1, 1, U32 | NUMA));

    struct sigaction action = {.sa_handler = note};
    sigaction(SIGUSR1, &action, NULL);
    pthread_create(&threads[0], NULL, poke, &self);
    ok("interrupted", wait_for(&word, 0, 1, U32, NULL, 0));
    pthread_join(threads[0], NULL);
    return 0;
}
