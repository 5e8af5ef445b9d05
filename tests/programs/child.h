/* Work that is done in a child, since it leaves its traces there. */
#include "t.h"

/* Let a child do some work, and show how it ends. */
static inline void in_child(const char *what, void (*work)(void))
{
    printf("-- %s\n", what);
    fflush(stdout);
    pid_t pid = fork();
    if (!pid) {
        work();
        fflush(stdout);
        _exit(0);
    }
    show_status(what, reap(pid));
}
