/* forkdemo - a family of processes: each forks twice, DEPTH generations: forkdemo [DEPTH] [SECONDS] */
#include "starry.h"

static void generation(int depth, unsigned seconds)
{
    printf("%*sprocess %d, child of %d\n", (3 - depth) * 2 > 0 ? (3 - depth) * 2 : 0, "", getpid(),
           getppid());
    fflush(stdout);
    pid_t children[2] = {-1, -1};
    for (int i = 0; depth > 0 && i < 2; i++) {
        children[i] = fork();
        if (children[i] < 0)
            die_errno("fork");
        if (children[i] == 0) {
            generation(depth - 1, seconds);
            exit(depth);
        }
        if (!seconds) /* one after the other, so that the output has an order */
            waitpid(children[i], NULL, 0);
    }
    if (seconds)
        sleep(seconds);
    while (wait(NULL) > 0)
        ;
}

int main_forkdemo(int argc, char **argv)
{
    int depth = argc > 1 ? atoi(argv[1]) : 2;
    generation(depth, argc > 2 ? (unsigned)atoi(argv[2]) : 0);
    return 0;
}
