/* Tracepoints, call chains, registers and clocks in samples: what only this kernel's own layout decides */
#include "../../programs/t.h"
#include <linux/perf_event.h>

#define PAGE 4096
#define PAGES 16

static struct perf_event_mmap_page *page;
static uint64_t at;
static char record[65536];

static int make(struct perf_event_attr *a, int group)
{
    return syscall(SYS_perf_event_open, a, 0, -1, group, 0);
}

static void map(int fd)
{
    page = mmap(NULL, (1 + PAGES) * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    at = 0;
}

static void unmap(int fd)
{
    munmap(page, (1 + PAGES) * PAGE);
    close(fd);
}

static struct perf_event_header *next(void)
{
    struct perf_event_header *found = (void *)record;
    if (at == page->data_head)
        return NULL;
    for (unsigned i = 0; i < sizeof *found || i < found->size; i++)
        record[i] = ((char *)page)[PAGE + (at + i) % (PAGES * PAGE)];
    page->data_tail = at += found->size;
    return found;
}

static struct perf_event_attr software(uint64_t config)
{
    return (struct perf_event_attr){.size = sizeof(struct perf_event_attr), .type = PERF_TYPE_SOFTWARE, .config = config};
}

static struct perf_event_attr tracepoint(const char *name)
{
    struct perf_event_attr a = {.size = sizeof a, .type = PERF_TYPE_TRACEPOINT};
    char path[128], text[32] = {0};
    snprintf(path, sizeof path, "/sys/kernel/tracing/events/%s/id", name);
    int fd = open(path, O_RDONLY);
    if (fd < 0 || read(fd, text, sizeof text - 1) < 1)
        printf("%s: %s\n", name, error_name(errno));
    close(fd);
    a.config = atoi(text);
    return a;
}

static uint64_t count(int fd)
{
    uint64_t value = 0;
    read(fd, &value, sizeof value);
    return value;
}

static void calls(void)
{
    struct perf_event_attr a = tracepoint("raw_syscalls/sys_enter");
    a.disabled = 1;
    int all = make(&a, -1);
    a = tracepoint("syscalls/sys_enter_getppid");
    int one = make(&a, all);
    a = tracepoint("syscalls/sys_exit_getppid");
    int ends = make(&a, all);
    ioctl(all, PERF_EVENT_IOC_ENABLE, 0);
    for (int i = 0; i < 1000; i++)
        getppid();
    ioctl(all, PERF_EVENT_IOC_DISABLE, 0);
    printf("all %lu getppid %lu exits %lu\n", count(all), count(one), count(ends));
    ok("filter", ioctl(all, PERF_EVENT_IOC_SET_FILTER, "id == 64 && args[0] == 1"));
    show("filter of a number", ioctl(all, PERF_EVENT_IOC_SET_FILTER, "id == 64 || (id > 1000 && id < 2000)"));
    show("no such field", ioctl(all, PERF_EVENT_IOC_SET_FILTER, "nothing == 1"));
    show("no filter", ioctl(all, PERF_EVENT_IOC_SET_FILTER, "id =="));
    ioctl(all, PERF_EVENT_IOC_RESET, 0);
    ioctl(all, PERF_EVENT_IOC_ENABLE, 0);
    getppid();
    write(-1, "", 0);
    ioctl(all, PERF_EVENT_IOC_DISABLE, 0);
    printf("filtered %lu\n", count(all));
    close(all);
    close(one);
    close(ends);
}

static void raw(void)
{
    struct perf_event_attr a = tracepoint("syscalls/sys_enter_close");
    a.sample_period = 1;
    a.sample_type = PERF_SAMPLE_RAW | PERF_SAMPLE_CALLCHAIN;
    int fd = make(&a, -1);
    map(fd);
    close(12345);
    ioctl(fd, PERF_EVENT_IOC_DISABLE, 0);
    struct perf_event_header *found = next();
    uint64_t *chain = (void *)(found + 1);
    uint32_t *body = (void *)(chain + 1 + chain[0]);
    printf("kernel %d user %d\n", chain[1] == PERF_CONTEXT_KERNEL && chain[2] >> 63,
           chain[3] == PERF_CONTEXT_USER && !(chain[4] >> 63));
    printf("size %u id %d thread %d number %u fd %lu\n", body[0], (body[1] & 0xffff) == a.config,
           body[2] == (uint32_t)gettid(), body[3], *(uint64_t *)(body + 5));
    unmap(fd);
}

static void on_signal(int number)
{
}

static void others(void)
{
    static const char *names[] = {"sched/sched_process_fork", "sched/sched_process_exec", "sched/sched_process_exit",
                                  "signal/signal_deliver", "sched/sched_switch", "exceptions/page_fault_user"};
    int fds[6];
    for (int i = 0; i < 6; i++) {
        struct perf_event_attr a = tracepoint(names[i]);
        a.inherit = 1;
        fds[i] = make(&a, -1);
    }
    signal(SIGUSR1, on_signal);
    raise(SIGUSR1);
    pid_t child = fork();
    if (!child) {
        execl("/proc/self/exe", "samples", "exec", NULL);
        _exit(1);
    }
    waitpid(child, NULL, 0);
    for (int i = 0; i < 3; i++)
        printf("%s %lu\n", names[i], count(fds[i]));
    /* SIGCHLD is another one if it comes while the C library blocks signals in fork() */
    printf("signals %d switches %d faults %d\n", count(fds[3]) >= 1, count(fds[4]) >= 1, count(fds[5]) > 3);
    for (int i = 0; i < 6; i++)
        close(fds[i]);
}

__attribute__((noinline)) static long leaf(long rounds)
{
    volatile long sum = 0;
    for (long i = 0; i < rounds; i++)
        sum += i;
    return sum;
}

__attribute__((noinline)) static long middle(long rounds)
{
    return leaf(rounds) + 1;
}

static void profile(void)
{
    struct perf_event_attr a = software(PERF_COUNT_SW_TASK_CLOCK);
    a.freq = 1;
    a.sample_freq = 1000;
    a.sample_type = PERF_SAMPLE_IP | PERF_SAMPLE_CALLCHAIN | PERF_SAMPLE_PERIOD;
    a.disabled = 1;
    int fd = make(&a, -1);
    map(fd);
    ioctl(fd, PERF_EVENT_IOC_ENABLE, 0);
    while (__atomic_load_n(&page->data_head, __ATOMIC_ACQUIRE) < 40 * 64)
        middle(100000);
    ioctl(fd, PERF_EVENT_IOC_DISABLE, 0);
    uint64_t samples = 0, inside = 0, called = 0, periods = 0;
    struct perf_event_header *found;
    while ((found = next())) {
        uint64_t *word = (uint64_t *)(found + 1);
        if (found->type != PERF_RECORD_SAMPLE)
            continue;
        samples++;
        periods += word[1];
        if (word[0] - (uint64_t)leaf >= 256)
            continue;
        inside++;
        for (uint64_t i = 0; i < word[2]; i++)
            called += word[3 + i] - (uint64_t)middle < 256;
    }
    yes("samples", samples >= 20);
    yes("in the loop", inside * 10 >= samples * 8);
    yes("called from", called * 10 >= inside * 8);
    yes("their periods are the time", periods * 2 >= count(fd) && periods <= count(fd));
    unmap(fd);
}

static void often(void)
{
    struct perf_event_attr a = software(PERF_COUNT_SW_CPU_CLOCK);
    a.sample_period = 1000;
    a.sample_type = PERF_SAMPLE_PERIOD;
    int fd = make(&a, -1);
    map(fd);
    while (__atomic_load_n(&page->data_head, __ATOMIC_ACQUIRE) < 1024)
        middle(10000);
    ioctl(fd, PERF_EVENT_IOC_DISABLE, 0);
    int throttled = 0, whole = 1;
    struct perf_event_header *found;
    while ((found = next())) {
        throttled += found->type == PERF_RECORD_THROTTLE;
        if (found->type == PERF_RECORD_SAMPLE && *(uint64_t *)(found + 1) % 1000)
            whole = 0;
    }
    printf("throttled %d whole periods %d\n", throttled > 0, whole);
    unmap(fd);
}

static void statistics(void)
{
    struct perf_event_attr a = software(PERF_COUNT_SW_CPU_MIGRATIONS);
    a.inherit = a.inherit_stat = 1;
    int fd = syscall(SYS_perf_event_open, &a, 0, 0, -1, 0);
    map(fd);
    pid_t child = fork();
    if (!child)
        _exit(0);
    waitpid(child, NULL, 0);
    struct perf_event_header *found;
    while ((found = next()))
        if (found->type == PERF_RECORD_READ)
            printf("child %d migrations %lu size %u\n", *(pid_t *)(found + 1) == child,
                   *((uint64_t *)(found + 1) + 1), found->size);
    unmap(fd);
}

static void registers(void)
{
    struct perf_event_attr a = software(PERF_COUNT_SW_PAGE_FAULTS);
    a.sample_period = 1;
    a.exclude_kernel = 1;
    a.sample_type = PERF_SAMPLE_IP | PERF_SAMPLE_REGS_USER | PERF_SAMPLE_STACK_USER | PERF_SAMPLE_PHYS_ADDR
                    | PERF_SAMPLE_ADDR | PERF_SAMPLE_DATA_PAGE_SIZE;
    a.sample_regs_user = 0xffffffff; /* pc, ra, sp ... t6 */
    a.sample_stack_user = 1024;
    a.disabled = 1;
    volatile char *memory = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    int fd = make(&a, -1);
    map(fd);
    volatile uint64_t mark[2] = {0x1122334455667788, 0x99aabbccddeeff00};
    ioctl(fd, PERF_EVENT_IOC_ENABLE, 0);
    memory[5] = 1;
    ioctl(fd, PERF_EVENT_IOC_DISABLE, 0);
    struct perf_event_header *found;
    while ((found = next())) {
        uint64_t *word = (uint64_t *)(found + 1);
        if (word[1] / PAGE != (uint64_t)memory / PAGE)
            continue;
        uint64_t sp = word[3 + 2], *stack = word + 3 + 32;
        printf("abi %lu pc %d stack %lu\n", word[2], word[3] == word[0], stack[0]);
        yes("stack pointer", sp < (uint64_t)mark && (uint64_t)mark - sp < 1000);
        yes("what is on it", !memcmp((char *)(stack + 1) + ((uint64_t)mark - sp), (void *)mark, 16));
        uint64_t *rest = stack + 1 + 1024 / 8;
        printf("copied %d page %lu physical %d\n", rest[0] > 500, rest[2], rest[1] != 0);
    }
    unmap(fd);
}

static volatile int traps;
static volatile uint64_t trapped;

static void on_trap(int number, siginfo_t *info, void *context)
{
    traps++;
    trapped = *(uint64_t *)((char *)info + 24);
    if (info->si_code != 6)
        trapped = 0;
}

static void trap(void)
{
    struct perf_event_attr a = software(PERF_COUNT_SW_PAGE_FAULTS);
    a.sample_period = 1;
    a.exclude_kernel = 1;
    a.sigtrap = 1;
    errno = 0;
    show("SIGTRAP without remove_on_exec", make(&a, -1));
    a.remove_on_exec = 1;
    a.sig_data = 0x1234;
    a.disabled = 1;
    struct sigaction action = {.sa_sigaction = on_trap, .sa_flags = SA_SIGINFO};
    sigaction(SIGTRAP, &action, NULL);
    int fd = make(&a, -1);
    volatile char *memory = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    raise(SIGTRAP);
    traps = 0;
    ioctl(fd, PERF_EVENT_IOC_ENABLE, 0);
    memory[0] = 1;
    ioctl(fd, PERF_EVENT_IOC_DISABLE, 0);
    printf("traps %d data %lx\n", traps, trapped);
    close(fd);
}

int main(int argc, char **argv)
{
    if (argc > 1 && !strcmp(argv[1], "exec"))
        return 0;
    calls();
    raw();
    others();
    profile();
    often();
    statistics();
    registers();
    trap();
    return 0;
}
