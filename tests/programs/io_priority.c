/* ioprio_set(2) and ioprio_get(2): what is kept, refused and inherited. */
#include <errno.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PROCESS = 1, GROUP, USER };

static long get(int which, int who)
{
    long result = syscall(SYS_ioprio_get, which, who);
    return result < 0 ? -errno : result;
}

static long set(int which, int who, int priority)
{
    return syscall(SYS_ioprio_set, which, who, priority) ? -errno : 0;
}

int main(void)
{
    printf("at first %ld\n", get(PROCESS, 0));
    setpriority(PRIO_PROCESS, 0, 5);
    printf("nice %ld\n", get(PROCESS, 0));
    static const int classes[] = { 0, 2, 3, 4, 7 };
    for (int i = 0; i < 5; i++)
        for (int level = 0; level < 9; level += 4) {
            long done = set(PROCESS, 0, classes[i] << 13 | level);
            printf("class %d level %d: %ld, %ld\n", classes[i], level, done, get(PROCESS, 0));
        }
    printf("nobody %ld %ld\n", get(PROCESS, 999999), set(PROCESS, 999999, 2 << 13));
    printf("no such kind %ld %ld\n", get(0, 0), set(4, 0, 2 << 13));
    setpgid(0, 0);
    set(PROCESS, 0, 2 << 13 | 3);
    if (!fork()) {
        printf("child %ld\n", get(PROCESS, 0));
        set(PROCESS, 0, 2 << 13 | 6);
        printf("of the group %ld\n", get(GROUP, 0));
        printf("none %ld\n", set(PROCESS, 0, 0));
        printf("of the group %ld\n", get(GROUP, 0));
        fflush(stdout);
        _exit(0);
    }
    wait(0);
    printf("parent %ld\n", get(PROCESS, getpid()));
    return 0;
}
