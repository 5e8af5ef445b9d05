/* robust mutexes: the owner dies, the next one is told; in threads and between processes */
#include "t.h"

static pthread_mutex_t *lock;

static void *die_holding(void *argument)
{
    pthread_mutex_lock(lock);
    return NULL;
}

int main(void)
{
    lock = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    pthread_mutexattr_t attributes;
    pthread_mutexattr_init(&attributes);
    pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
    pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
    pthread_mutex_init(lock, &attributes);
    pthread_t thread;
    pthread_create(&thread, NULL, die_holding, NULL);
    pthread_join(thread, NULL);
    printf("thread died: %s\n", error_name(pthread_mutex_lock(lock)));
    show("consistent", pthread_mutex_consistent(lock));
    show("unlock", pthread_mutex_unlock(lock));
    pid_t pid = fork();
    if (!pid) {
        pthread_mutex_lock(lock);
        _exit(2);
    }
    show_status("process", reap(pid));
    printf("process died: %s\n", error_name(pthread_mutex_lock(lock)));
    show("unlock without repair", pthread_mutex_unlock(lock));
    printf("lost for ever: %d\n", pthread_mutex_lock(lock) == ENOTRECOVERABLE);
    return 0;
}
