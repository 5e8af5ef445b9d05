/* futex: wait, wake, requeue, bitset, timeouts, errors (qemu-user has no robust lists) */
#include "t.h"

#include <linux/futex.h>

static long futex(uint32_t *word, int op, uint32_t value, const struct timespec *timeout, uint32_t *other, uint32_t last)
{
    return syscall(SYS_futex, word, op, value, timeout, other, last);
}

static uint32_t *words;
static pid_t waiting[4];

static void *wait_on(void *argument)
{
    __atomic_store_n((pid_t *)argument, gettid(), __ATOMIC_SEQ_CST);
    futex(&words[0], FUTEX_WAIT, 0, NULL, NULL, 0);
    __atomic_add_fetch(&words[5], 1, __ATOMIC_SEQ_CST);
    return NULL;
}

int main(void)
{
    words = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    struct timespec soon = {0, 20000000};
    show("wake nobody", futex(&words[0], FUTEX_WAKE, 1, NULL, NULL, 0));
    show("value differs", futex(&words[0], FUTEX_WAIT, 1, NULL, NULL, 0));
    show("timeout", futex(&words[0], FUTEX_WAIT, 0, &soon, NULL, 0));
    show("unaligned", futex((uint32_t *)((char *)words + 1), FUTEX_WAIT, 0, NULL, NULL, 0));
    show("bad address", futex((uint32_t *)4096, FUTEX_WAIT, 0, NULL, NULL, 0));
    show("bad operation", futex(words, 99, 0, NULL, NULL, 0));
    show("no bits", futex(words, FUTEX_WAIT_BITSET, 0, NULL, NULL, 0));
    soon.tv_nsec = 1000000001;
    show("bad timeout", futex(words, FUTEX_WAIT, 0, &soon, NULL, 0));
    pthread_t threads[4];
    for (int i = 0; i < 4; i++)
        pthread_create(&threads[i], NULL, wait_on, &waiting[i]);
    for (int i = 0; i < 4; i++) {
        while (!__atomic_load_n(&waiting[i], __ATOMIC_SEQ_CST))
            pause_ms(1);
        until_asleep(waiting[i]);
    }
    show("wake one", futex(&words[0], FUTEX_WAKE, 1, NULL, NULL, 0));
    show("requeue", syscall(SYS_futex, &words[0], FUTEX_CMP_REQUEUE, 1, (void *)2L, &words[1], 0));
    show("wake rest of first", futex(&words[0], FUTEX_WAKE, 9, NULL, NULL, 0));
    show("wake second", futex(&words[1], FUTEX_WAKE, 9, NULL, NULL, 0));
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    show("woken", words[5]);
    show("requeue value differs", syscall(SYS_futex, &words[0], FUTEX_CMP_REQUEUE, 1, (void *)1L, &words[1], 9));
    pid_t pid = fork();
    if (!pid) {
        futex(&words[2], FUTEX_WAIT, 0, NULL, NULL, 0);
        _exit(12);
    }
    until_asleep(pid);
    show("between processes", futex(&words[2], FUTEX_WAKE, 1, NULL, NULL, 0));
    show_status("child", reap(pid));
    return 0;
}
