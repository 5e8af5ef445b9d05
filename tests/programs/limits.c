/* rlimits: files, size, stack, processes; prlimit; getpriority */
#include "t.h"

int main(void)
{
    struct rlimit limit;
    getrlimit(RLIMIT_NOFILE, &limit);
    struct rlimit few = {10, limit.rlim_max};
    show("set", setrlimit(RLIMIT_NOFILE, &few));
    int opened = 0;
    while (open("/dev/null", O_RDONLY) >= 0)
        opened++;
    printf("last error %s\n", error_name(errno));
    show("dup", dup(0));
    show("dup2 too high", dup2(0, 10));
    show("F_DUPFD too high", fcntl(0, F_DUPFD, 10));
    int ends[2];
    show("pipe", pipe(ends));
    for (int fd = 3; fd < 10; fd++)
        close(fd);
    few.rlim_cur = 30;
    setrlimit(RLIMIT_NOFILE, &few);
    for (int fd = 0; fd < 17; fd++)
        dup(0);
    for (int fd = 3; fd < 6; fd++)
        close(fd);
    few.rlim_cur = 10; /* more are open than that, but not below it */
    setrlimit(RLIMIT_NOFILE, &few);
    show("below the limit", open("/dev/null", O_RDONLY) >= 0 && fcntl(0, F_DUPFD, 3) >= 0 && pipe(ends) < 0);
    show("one more", open("/dev/null", O_RDONLY) >= 0);
    show("F_DUPFD", fcntl(0, F_DUPFD, 4));
    show("and no more", open("/dev/null", O_RDONLY));
    for (int fd = 3; fd < 30; fd++)
        close(fd);
    show("soft above hard", (few.rlim_cur = few.rlim_max + 1, few.rlim_max == RLIM_INFINITY ? -1 : setrlimit(RLIMIT_NOFILE, &few)) == -1 ? 1 : 0);
    show("bad resource", getrlimit(99, &limit));
    getrlimit(RLIMIT_STACK, &limit);
    yes("stack limit", limit.rlim_cur >= 1 << 20);
    int nice_before = getpriority(PRIO_PROCESS, 0); /* the tests may run niced */
    show("renice", setpriority(PRIO_PROCESS, 0, nice_before + 3));
    show("nicer by", getpriority(PRIO_PROCESS, 0) - nice_before);
    show("priority of nobody", getpriority(PRIO_PROCESS, 999999));
    show("bad which", getpriority(9, 0));
    show("policy", sched_getscheduler(0));
    show("max priority", sched_get_priority_max(SCHED_RR));
    show("min priority", sched_get_priority_min(SCHED_OTHER));
    cpu_set_t set;
    show("affinity", sched_getaffinity(0, sizeof set, &set) >= 0);
    show("yield", sched_yield());
    show("page size", sysconf(_SC_PAGESIZE));
    return 0;
}
