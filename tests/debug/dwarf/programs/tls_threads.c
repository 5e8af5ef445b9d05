/* Two threads that use a library's thread-local variables, and one that does not; all stand still. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

__thread long own = 5;
struct seen { int tid; void *own, *lib_own, *lib_hidden; } seen[3];
static void *(*address)(int);
static void (*change)(long);
static pthread_barrier_t met;

static void look(struct seen *mine, long by)
{
    mine->tid = gettid();
    own += by;
    mine->own = &own;
    if (by) {
        change(by);
        mine->lib_own = address(0);
        mine->lib_hidden = address(1);
    }
}

static void *work(void *number)
{
    look(&seen[(long)number], 100 * (2 - (long)number));
    pthread_barrier_wait(&met);
    pause();
    return number;
}

int main(int argc, char **argv)
{
    pthread_t threads[2];
    void *library = dlopen(argv[1], RTLD_NOW);

    if (!library) {
        puts(dlerror());
        return 1;
    }
    address = (void *(*)(int))dlsym(library, "lib_address");
    change = (void (*)(long))dlsym(library, "lib_change");
    pthread_barrier_init(&met, 0, 3);
    pthread_create(&threads[0], 0, work, (void *)1);
    pthread_create(&threads[1], 0, work, (void *)2);
    look(&seen[0], 1);
    pthread_barrier_wait(&met);
    getppid();
    return argc - 2;
}
