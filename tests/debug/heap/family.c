/* A parent and a forked child with blocks of their own, a vfork child, and another program. */
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static void *volatile kept;

__attribute__((noinline)) static void lose(int size)
{
    void *volatile block = malloc(size);
    block = 0;
}

int main(int argc, char **argv)
{
    if (argc > 1) {
        lose(1000);
        return 0;
    }
    kept = malloc(11);
    pid_t child = fork();
    if (!child) {
        free(kept);
        kept = 0;
        lose(22);
        return 0;
    }
    waitpid(child, 0, 0);
    child = vfork();
    if (!child) {
        execl(argv[0], argv[0], "again", (char *)0);
        _exit(9);
    }
    waitpid(child, 0, 0);
    lose(33);
    return 0;
}
