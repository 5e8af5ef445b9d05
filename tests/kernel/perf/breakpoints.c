/* PERF_TYPE_BREAKPOINT: code and data, signals, inheritance, exec, limits, changes */
#include "../../programs/t.h"
#include <linux/hw_breakpoint.h>
#include <linux/perf_event.h>

static volatile long watched[2];
static volatile int signals;

static int make(struct perf_event_attr *a, pid_t pid, int cpu)
{
    return syscall(SYS_perf_event_open, a, pid, cpu, -1, 0);
}

static struct perf_event_attr point(int type, const volatile void *addr, int length)
{
    struct perf_event_attr a;
    memset(&a, 0, sizeof a);
    a.size = sizeof a;
    a.type = PERF_TYPE_BREAKPOINT;
    a.bp_type = type;
    a.bp_addr = (uint64_t)addr;
    a.bp_len = length;
    a.exclude_kernel = a.exclude_hv = 1;
    return a;
}

static long count(int fd)
{
    uint64_t value = -1;
    read(fd, &value, sizeof value);
    return value;
}

__attribute__((noinline)) static void function(void)
{
    __asm__ volatile("" ::: "memory");
}

static void on_signal(int number)
{
    if (!signals++)
        function();
}

static void *thread(void *unused)
{
    for (int i = 0; i < 7; i++)
        function();
    return NULL;
}

int main(int argc, char **argv)
{
    if (argc > 1 && !strcmp(argv[1], "exec")) {
        function();
        return 0;
    }
    struct perf_event_attr a = point(HW_BREAKPOINT_X, function, sizeof(long));
    int code = make(&a, 0, -1);
    for (int i = 0; i < 100; i++)
        function();
    printf("calls %ld\n", count(code));
    close(code);

    a = point(HW_BREAKPOINT_W, &watched[0], 8);
    int writes = make(&a, 0, -1);
    a.bp_type = HW_BREAKPOINT_RW;
    int both = make(&a, 0, -1);
    for (int i = 0; i < 10; i++) {
        watched[0] = i;
        watched[1] = i;
        (void)watched[0];
    }
    printf("writes %ld accesses %ld\n", count(writes), count(both));
    a.bp_addr = (uint64_t)&watched[1];
    ok("moved", ioctl(both, PERF_EVENT_IOC_MODIFY_ATTRIBUTES, &a));
    watched[1] = 5;
    printf("accesses %ld\n", count(both));
    ioctl(writes, PERF_EVENT_IOC_DISABLE, 0);
    watched[0] = 6;
    printf("writes %ld\n", count(writes));
    close(writes);
    close(both);

    signal(SIGIO, on_signal);
    a = point(HW_BREAKPOINT_X, function, sizeof(long));
    a.sample_period = 1;
    a.disabled = 1;
    code = make(&a, 0, -1);
    fcntl(code, F_SETFL, O_RDWR | O_ASYNC | O_NONBLOCK);
    fcntl(code, F_SETSIG, SIGIO);
    fcntl(code, F_SETOWN, getpid());
    ioctl(code, PERF_EVENT_IOC_ENABLE, 0);
    function();
    ioctl(code, PERF_EVENT_IOC_DISABLE, 0);
    printf("signals %d calls %ld\n", signals, count(code));
    close(code);

    a = point(HW_BREAKPOINT_X, function, sizeof(long));
    a.inherit = 1;
    code = make(&a, 0, -1);
    pthread_t id;
    pthread_create(&id, NULL, thread, NULL);
    pthread_join(id, NULL);
    printf("thread %ld\n", count(code));
    pid_t child = fork();
    if (!child) {
        function();
        execl("/proc/self/exe", "breakpoints", "exec", NULL);
        _exit(1);
    }
    waitpid(child, NULL, 0);
    printf("child %ld\n", count(code));
    close(code);
    function();

    a = point(HW_BREAKPOINT_W, &watched[0], 8);
    int fds[8], made = 0;
    while (made < 8 && (fds[made] = make(&a, 0, -1)) >= 0)
        made++;
    printf("slots %d %s\n", made, error_name(errno));
    while (made)
        close(fds[--made]);
    a.bp_type = 0;
    show("no type", make(&a, 0, -1));
    a = point(HW_BREAKPOINT_W, (char *)watched + 1, 8);
    show("not aligned", make(&a, 0, -1));
    a.bp_len = 3;
    show("odd length", make(&a, 0, -1));
    a = point(HW_BREAKPOINT_X, function, 4);
    show("length of code", make(&a, 0, -1));
    return 0;
}
