/* perf_event_open: errors, counts, groups, inheritance, records, waiting; each line the same on Linux */
#include "../../programs/t.h"
#include <linux/perf_event.h>

#define PAGE 4096
#define PAGES 8

static int make(struct perf_event_attr *a, pid_t pid, int cpu, int group, unsigned long flags)
{
    return syscall(SYS_perf_event_open, a, pid, cpu, group, flags);
}

static struct perf_event_attr software(unsigned long config)
{
    struct perf_event_attr a;
    memset(&a, 0, sizeof a);
    a.size = sizeof a;
    a.type = PERF_TYPE_SOFTWARE;
    a.config = config;
    return a;
}

static uint64_t count(int fd)
{
    uint64_t value[8] = {0};
    return read(fd, value, sizeof value) < 8 ? ~0ul : value[0];
}

static long faults(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return usage.ru_minflt + usage.ru_majflt;
}

static long switches(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return usage.ru_nvcsw + usage.ru_nivcsw;
}

static void touch(int pages)
{
    char *memory = mmap(NULL, pages * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    madvise(memory, pages * PAGE, MADV_NOHUGEPAGE);
    for (int i = 0; i < pages; i++)
        memory[i * PAGE] = 1;
    munmap(memory, pages * PAGE);
}

static void nap(void)
{
    struct timespec time = {0, 1000000};
    nanosleep(&time, NULL);
}

static void errors(void)
{
    struct perf_event_attr a = software(PERF_COUNT_SW_DUMMY);
    show("unknown flag", make(&a, 0, -1, -1, 64));
    show("no attributes", make(NULL, 0, -1, -1, 0));
    show("nobody nowhere", make(&a, -1, -1, -1, 0));
    show("no such processor", make(&a, 0, 100000, -1, 0));
    show("no such thread", make(&a, 0x3ffffe, -1, -1, 0));
    show("no such group", make(&a, 0, -1, 77, 0));
    show("group of another kind", make(&a, 0, -1, 0, 0));
    a.size = 12;
    show("too short", make(&a, 0, -1, -1, 0));
    yes("its size is told", a.size >= 112);
    a.size = 5000;
    show("too long", make(&a, 0, -1, -1, 0));
    struct { struct perf_event_attr a; char more[512]; } big = {.a = software(PERF_COUNT_SW_DUMMY)};
    big.a.size = sizeof big;
    int fd = make(&big.a, 0, -1, -1, 0);
    ok("longer with zeros", fd);
    close(fd);
    big.more[500] = 1;
    show("longer with more", make(&big.a, 0, -1, -1, 0));
    a = software(PERF_COUNT_SW_DUMMY);
    a.size = 0;
    ok("first size", fd = make(&a, 0, -1, -1, 0));
    close(fd);
    a = software(77);
    show("no such event", make(&a, 0, -1, -1, 0));
    a = software(0);
    a.type = PERF_TYPE_TRACEPOINT;
    a.config = 0x7fffffff;
    show("no such tracepoint", make(&a, 0, -1, -1, 0));
    a.type = 4000;
    show("no such type", make(&a, 0, -1, -1, 0));
    a = software(PERF_COUNT_SW_DUMMY);
    a.sample_type = 1ull << 40;
    show("unknown sample type", make(&a, 0, -1, -1, 0));
    a.sample_type = 0;
    a.read_format = 1 << 10;
    show("unknown read format", make(&a, 0, -1, -1, 0));
    a.read_format = 0;
    a.freq = 1;
    a.sample_freq = 1000000000;
    show("too often", make(&a, 0, -1, -1, 0));
    a.freq = 0;
    a.sample_period = 1ull << 63;
    show("negative period", make(&a, 0, -1, -1, 0));
    a.sample_period = 1;
    a.sample_type = PERF_SAMPLE_STACK_USER;
    a.sample_stack_user = 12;
    show("crooked stack", make(&a, 0, -1, -1, 0));
    a.sample_type = PERF_SAMPLE_REGS_USER;
    show("no registers", make(&a, 0, -1, -1, 0));
    a.sample_type = 0;
    a.use_clockid = 1;
    a.clockid = CLOCK_PROCESS_CPUTIME_ID;
    show("wrong clock", make(&a, 0, -1, -1, 0));
}

static void files(void)
{
    struct perf_event_attr a = software(PERF_COUNT_SW_DUMMY);
    char buffer[64];
    int fd = make(&a, 0, -1, -1, PERF_FLAG_FD_CLOEXEC);
    show("close on exec", fcntl(fd, F_GETFD));
    show("read", read(fd, buffer, 8));
    show("read too little", read(fd, buffer, 4));
    show("write", write(fd, buffer, 8));
    show("seek", lseek(fd, 0, SEEK_SET));
    show("unknown ioctl", ioctl(fd, 0x2499, 0));
    show("refresh without samples", ioctl(fd, PERF_EVENT_IOC_REFRESH, 1));
    show("period without samples", ioctl(fd, PERF_EVENT_IOC_PERIOD, buffer));
    show("filter of no tracepoint", ioctl(fd, PERF_EVENT_IOC_SET_FILTER, "a == 1"));
    show("pause nothing", ioctl(fd, PERF_EVENT_IOC_PAUSE_OUTPUT, 1));
    show("output to itself", ioctl(fd, PERF_EVENT_IOC_SET_OUTPUT, fd));
    show("output to nowhere", ioctl(fd, PERF_EVENT_IOC_SET_OUTPUT, 99));
    show("output to none", ioctl(fd, PERF_EVENT_IOC_SET_OUTPUT, -1L));
    uint64_t id = 0;
    show("id", ioctl(fd, PERF_EVENT_IOC_ID, &id));
    yes("has one", id != 0);
    snprintf(buffer, sizeof buffer, "/proc/self/fd/%d", fd);
    char name[64] = {0};
    readlink(buffer, name, sizeof name - 1);
    puts(name);
    close(fd);
}

static void counts(void)
{
    struct perf_event_attr a = software(PERF_COUNT_SW_PAGE_FAULTS);
    a.read_format = PERF_FORMAT_TOTAL_TIME_ENABLED | PERF_FORMAT_TOTAL_TIME_RUNNING | PERF_FORMAT_ID;
    int fault_fd = make(&a, 0, -1, -1, 0);
    a.config = PERF_COUNT_SW_PAGE_FAULTS_MIN;
    int minor_fd = make(&a, 0, -1, -1, 0);
    a.config = PERF_COUNT_SW_CONTEXT_SWITCHES;
    int switch_fd = make(&a, 0, -1, -1, 0);
    touch(10);
    nap();
    long known_faults = faults(), known_switches = switches();
    uint64_t first = count(fault_fd), minor = count(minor_fd), changed = count(switch_fd);
    touch(50);
    char *memory = mmap(NULL, 20 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    madvise(memory, 20 * PAGE, MADV_NOHUGEPAGE);
    int zero = open("/dev/zero", O_RDONLY);
    read(zero, memory, 20 * PAGE); /* the kernel touches them */
    close(zero);
    for (int i = 0; i < 3; i++)
        nap();
    uint64_t value[4];
    show("bytes", read(fault_fd, value, sizeof value));
    yes("faults as getrusage tells", value[0] - first == (uint64_t)(faults() - known_faults));
    yes("at least the pages", value[0] - first >= 70);
    yes("minor ones", count(minor_fd) - minor == value[0] - first);
    yes("switches as getrusage tells", count(switch_fd) - changed == (uint64_t)(switches() - known_switches));
    yes("ran all the time", value[1] == value[2] && value[1]);
    ioctl(fault_fd, PERF_EVENT_IOC_DISABLE, 0);
    first = count(fault_fd);
    touch(20);
    yes("stopped", count(fault_fd) == first);
    ioctl(fault_fd, PERF_EVENT_IOC_RESET, 0);
    show("reset", count(fault_fd));
    ioctl(fault_fd, PERF_EVENT_IOC_ENABLE, 0);
    touch(20);
    yes("goes on", count(fault_fd) >= 20 && count(fault_fd) < 30);
    close(fault_fd);
    close(minor_fd);
    close(switch_fd);
    a.config = PERF_COUNT_SW_CPU_MIGRATIONS;
    a.type = PERF_TYPE_SOFTWARE;
    int none = make(&a, 0, 0, -1, 0);
    show("migrations on one processor", count(none));
    close(none);
}

static void clocks(void)
{
    struct perf_event_attr a = software(PERF_COUNT_SW_TASK_CLOCK);
    int task = make(&a, 0, -1, -1, 0);
    struct timespec from, to;
    uint64_t first = count(task);
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &from);
    do
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &to);
    while ((to.tv_sec - from.tv_sec) * 1000000000l + to.tv_nsec - from.tv_nsec < 20000000);
    uint64_t passed = count(task) - first;
    yes("CPU time", passed >= 19000000);
    first = count(task);
    struct timespec time = {0, 200000000};
    nanosleep(&time, NULL);
    yes("none while asleep", count(task) - first < 150000000);
    close(task);
}

static void groups(void)
{
    struct perf_event_attr a = software(PERF_COUNT_SW_DUMMY);
    a.disabled = 1;
    a.read_format = PERF_FORMAT_GROUP | PERF_FORMAT_ID | PERF_FORMAT_TOTAL_TIME_ENABLED;
    int leader = make(&a, 0, -1, -1, 0);
    a = software(PERF_COUNT_SW_PAGE_FAULTS);
    int one = make(&a, 0, -1, leader, 0);
    int two = make(&a, 0, -1, leader, 0);
    touch(5);
    show("before", count(one));
    show("member of a member", make(&a, 0, -1, one, 0));
    a.pinned = 1;
    show("pinned member", make(&a, 0, -1, leader, 0));
    a.pinned = 0;
    show("on a processor", make(&a, 0, 0, leader, 0));
    a.inherit = 1;
    show("inherits unlike its leader", make(&a, 0, -1, leader, 0));
    ioctl(leader, PERF_EVENT_IOC_ENABLE, 0);
    touch(5);
    uint64_t value[16] = {0}, id = 0;
    show("group", read(leader, value, sizeof value));
    ioctl(two, PERF_EVENT_IOC_ID, &id);
    yes("three", value[0] == 3);
    yes("dummy", value[2] == 0);
    yes("members", value[4] >= 5 && value[4] == value[6] && value[7] == id);
    show("too short", read(leader, value, 40));
    ioctl(leader, PERF_EVENT_IOC_RESET, PERF_IOC_FLAG_GROUP);
    ioctl(leader, PERF_EVENT_IOC_DISABLE, PERF_IOC_FLAG_GROUP);
    show("all reset", count(one) > 2);
    close(leader);
    ioctl(one, PERF_EVENT_IOC_ENABLE, 0);
    touch(5);
    yes("alone now", count(one) >= 5);
    close(one);
    close(two);
}

static void *thread(void *pages)
{
    touch((long)pages);
    return NULL;
}

static void inheritance(void)
{
    struct perf_event_attr a = software(PERF_COUNT_SW_PAGE_FAULTS);
    int alone = make(&a, 0, -1, -1, 0);
    a.inherit = 1;
    int all = make(&a, 0, -1, -1, 0);
    a.disabled = a.enable_on_exec = 1;
    int later = make(&a, 0, -1, -1, 0);
    pthread_t id;
    pthread_create(&id, NULL, thread, (void *)100);
    pthread_join(id, NULL);
    uint64_t mine = count(alone), ours = count(all);
    yes("with the thread", ours >= mine + 100);
    pid_t child = fork();
    if (!child) {
        touch(200);
        _exit(0);
    }
    waitpid(child, NULL, 0);
    yes("with the child", count(all) - ours >= count(alone) - mine + 200);
    show("not enabled", count(later));
    child = fork();
    if (!child) {
        execl("/proc/self/exe", "events", "exec", NULL);
        _exit(1);
    }
    waitpid(child, NULL, 0);
    yes("enabled by exec", count(later) > 3);
    struct perf_event_attr own = software(PERF_COUNT_SW_PAGE_FAULTS);
    int ready[2];
    char byte = 0;
    pipe(ready);
    child = fork();
    if (!child) {
        read(ready[0], &byte, 1);
        touch(60);
        _exit(0);
    }
    int other = make(&own, child, -1, -1, 0);
    write(ready[1], &byte, 1);
    waitpid(child, NULL, 0);
    yes("another process", count(other) >= 60);
    struct pollfd wait = {.fd = other, .events = POLLIN};
    poll(&wait, 1, 0);
    printf("its end: %s\n", wait.revents == POLLHUP ? "POLLHUP" : "?");
    ioctl(all, PERF_EVENT_IOC_DISABLE, 0);
    prctl(PR_TASK_PERF_EVENTS_DISABLE);
    mine = count(alone);
    touch(10);
    yes("all disabled", count(alone) == mine);
    prctl(PR_TASK_PERF_EVENTS_ENABLE);
    touch(10);
    yes("all enabled", count(alone) >= mine + 10);
    close(alone);
    close(all);
    close(later);
    close(other);
}

struct reader {
    struct perf_event_mmap_page *page;
    char *data;
    uint64_t size, at;
    char record[65536];
};

static struct reader reader;

static int mapped(int fd, int pages)
{
    void *memory = mmap(NULL, (1 + pages) * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (memory == MAP_FAILED)
        return -1;
    reader.page = memory;
    reader.data = (char *)memory + PAGE;
    reader.size = pages * PAGE;
    reader.at = 0;
    return 0;
}

static struct perf_event_header *next(void)
{
    uint64_t head = __atomic_load_n(&reader.page->data_head, __ATOMIC_ACQUIRE);
    if (reader.at == head)
        return NULL;
    struct perf_event_header *found = (void *)reader.record;
    for (unsigned i = 0; i < sizeof *found || i < found->size; i++)
        reader.record[i] = reader.data[(reader.at + i) % reader.size];
    reader.at += found->size;
    __atomic_store_n(&reader.page->data_tail, reader.at, __ATOMIC_RELEASE);
    return found;
}

static void unmap(void)
{
    munmap(reader.page, PAGE + reader.size);
}

static void maps(void)
{
    struct perf_event_attr a = software(PERF_COUNT_SW_DUMMY);
    int fd = make(&a, 0, -1, -1, 0);
    show("private", (long)mmap(NULL, 2 * PAGE, PROT_READ, MAP_PRIVATE, fd, 0));
    show("no power of two", (long)mmap(NULL, 4 * PAGE, PROT_READ, MAP_SHARED, fd, 0));
    ok("control page alone", mapped(fd, 0));
    unmap();
    ok("some pages", mapped(fd, 4));
    show("another size", (long)mmap(NULL, 3 * PAGE, PROT_READ, MAP_SHARED, fd, 0));
    printf("offset %lu size %lu version %u\n", (long)reader.page->data_offset, (long)reader.page->data_size,
           reader.page->version);
    int other = make(&a, 0, -1, -1, 0);
    ok("redirected", ioctl(other, PERF_EVENT_IOC_SET_OUTPUT, fd));
    show("redirected while mapped", ioctl(fd, PERF_EVENT_IOC_SET_OUTPUT, other));
    close(fd);
    yes("there after close", reader.page->data_size == 4 * PAGE);
    unmap();
    close(other);
    a.inherit = 1;
    fd = make(&a, 0, -1, -1, 0);
    show("inherited", (long)mmap(NULL, 2 * PAGE, PROT_READ, MAP_SHARED, fd, 0));
    close(fd);
}

static char *page_touched;

static void samples(void)
{
    struct perf_event_attr a = software(PERF_COUNT_SW_PAGE_FAULTS);
    a.disabled = 1;
    a.exclude_kernel = 1;
    a.sample_period = 1;
    a.sample_type = PERF_SAMPLE_IP | PERF_SAMPLE_TID | PERF_SAMPLE_TIME | PERF_SAMPLE_ADDR | PERF_SAMPLE_ID
                    | PERF_SAMPLE_CPU | PERF_SAMPLE_READ;
    int fd = make(&a, 0, -1, -1, 0);
    mapped(fd, PAGES);
    page_touched = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    uint64_t id;
    ioctl(fd, PERF_EVENT_IOC_ID, &id);
    struct timespec from, to;
    clock_gettime(CLOCK_MONOTONIC, &from);
    ioctl(fd, PERF_EVENT_IOC_ENABLE, 0);
    page_touched[2 * PAGE + 8] = 1;
    ioctl(fd, PERF_EVENT_IOC_DISABLE, 0);
    clock_gettime(CLOCK_MONOTONIC, &to);
    struct perf_event_header *found;
    int seen = 0;
    while ((found = next())) {
        struct { uint64_t ip; uint32_t pid, tid; uint64_t time, addr, id; uint32_t cpu, zero; uint64_t value; } *s
            = (void *)(found + 1);
        if (found->type != PERF_RECORD_SAMPLE || s->addr / PAGE != (uint64_t)page_touched / PAGE + 2)
            continue;
        seen++;
        printf("size %u mode %d\n", found->size, found->misc & PERF_RECORD_MISC_CPUMODE_MASK);
        yes("address in the page", s->addr % PAGE == 8 || s->addr % PAGE == 0);
        yes("by whom", s->pid == (uint32_t)getpid() && s->tid == (uint32_t)gettid());
        yes("where", s->ip >= (uint64_t)samples && s->ip < (uint64_t)samples + 2048);
        yes("when", s->time >= from.tv_sec * 1000000000ul || s->time > 0);
        yes("whose", s->id == id);
        yes("count in it", s->value >= 1);
    }
    show("samples", seen);
    unmap();
    close(fd);
}

static void lost(void)
{
    struct perf_event_attr a = software(PERF_COUNT_SW_PAGE_FAULTS);
    a.sample_period = 1;
    a.exclude_kernel = 1;
    a.sample_type = PERF_SAMPLE_TID | PERF_SAMPLE_TIME;
    a.sample_id_all = 1;
    a.read_format = PERF_FORMAT_LOST;
    int fd = make(&a, 0, -1, -1, 0);
    mapped(fd, 1);
    touch(1000);
    ioctl(fd, PERF_EVENT_IOC_DISABLE, 0);
    uint64_t value[2];
    read(fd, value, sizeof value);
    struct perf_event_header *found;
    unsigned read_samples = 0, told = 0;
    while ((found = next()))
        read_samples += found->type == PERF_RECORD_SAMPLE;
    ioctl(fd, PERF_EVENT_IOC_ENABLE, 0);
    touch(1);
    ioctl(fd, PERF_EVENT_IOC_DISABLE, 0);
    while ((found = next()))
        if (found->type == PERF_RECORD_LOST) {
            told = *((uint64_t *)(found + 1) + 1);
            yes("sizes", found->size == 8 + 16 + 16);
        }
    printf("kept %u\n", read_samples);
    yes("lost", value[1] == value[0] - read_samples && told == value[1]);
    unmap();
    close(fd);
}

static void sidelines(void)
{
    struct perf_event_attr a = software(PERF_COUNT_SW_DUMMY);
    a.mmap = a.mmap2 = a.comm = a.task = a.comm_exec = a.sample_id_all = a.context_switch = 1;
    a.sample_type = PERF_SAMPLE_TID | PERF_SAMPLE_TIME;
    int fd = make(&a, 0, -1, -1, 0);
    mapped(fd, PAGES);
    prctl(PR_SET_NAME, "renamed");
    void *code = mmap(NULL, PAGE, PROT_READ | PROT_EXEC, MAP_PRIVATE, open("/proc/self/exe", O_RDONLY), 0);
    mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    nap();
    pid_t child = fork();
    if (!child)
        _exit(0);
    waitpid(child, NULL, 0);
    ioctl(fd, PERF_EVENT_IOC_DISABLE, 0);
    struct perf_event_header *found;
    unsigned out = 0, in = 0;
    while ((found = next())) {
        uint32_t *word = (uint32_t *)(found + 1);
        char *text = (char *)word;
        if (found->type == PERF_RECORD_COMM)
            printf("comm %s misc %x size %u\n", text + 8, found->misc, found->size);
        if (found->type == PERF_RECORD_MMAP2) {
            uint64_t *wide = (uint64_t *)word;
            yes("mapped", wide[1] == (uint64_t)code && wide[2] == PAGE && wide[3] == 0);
            printf("prot %u flags %u misc %x\n", word[14], word[15], found->misc);
            yes("path", strstr(text + 64, "events") != NULL);
        }
        if (found->type == PERF_RECORD_FORK)
            printf("fork %s size %u\n", word[0] == (uint32_t)child && word[1] == (uint32_t)getpid() ? "ok" : "?",
                   found->size);
        if (found->type == PERF_RECORD_SWITCH)
            found->misc & PERF_RECORD_MISC_SWITCH_OUT ? out++ : in++;
    }
    yes("switches", out >= 2 && in >= 2 && (out == in || out == in + 1));
    unmap();
    close(fd);
    prctl(PR_SET_NAME, "events");
}

static volatile int signals, last_code, last_fd;

static void on_signal(int number, siginfo_t *info, void *context)
{
    signals++;
    last_code = info->si_code;
    last_fd = info->si_fd;
}

static void waiting(void)
{
    struct perf_event_attr a = software(PERF_COUNT_SW_PAGE_FAULTS);
    a.sample_period = 1;
    a.exclude_kernel = 1;
    a.wakeup_events = 4;
    a.disabled = 1;
    int fd = make(&a, 0, -1, -1, 0);
    struct pollfd wait = {.fd = fd, .events = POLLIN};
    poll(&wait, 1, 0);
    printf("without buffer: %s\n", wait.revents == POLLHUP ? "POLLHUP" : "?");
    mapped(fd, PAGES);
    show("at first", poll(&wait, 1, 0));
    ioctl(fd, PERF_EVENT_IOC_ENABLE, 0);
    touch(20);
    ioctl(fd, PERF_EVENT_IOC_DISABLE, 0);
    show("records", poll(&wait, 1, 1000));
    printf("%s\n", wait.revents == POLLIN ? "POLLIN" : "?");
    show("told once", poll(&wait, 1, 0));
    struct sigaction action = {.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO};
    sigaction(SIGUSR1, &action, NULL);
    raise(SIGUSR1); /* its code and stack are there from now on */
    signals = 0;
    fcntl(fd, F_SETFL, O_RDWR | O_NONBLOCK | O_ASYNC);
    fcntl(fd, F_SETSIG, SIGUSR1);
    fcntl(fd, F_SETOWN, getpid());
    ioctl(fd, PERF_EVENT_IOC_RESET, 0);
    show("refresh", ioctl(fd, PERF_EVENT_IOC_REFRESH, 3));
    for (int i = 0; i < 20; i++)
        touch(1);
    show("signals", signals);
    printf("last %s of the descriptor %d\n", last_code == POLL_HUP ? "POLL_HUP" : "?", last_fd == fd);
    yes("stopped", count(fd) == 3);
    unmap();
    close(fd);
}

static void overwritten(void)
{
    struct perf_event_attr a = software(PERF_COUNT_SW_PAGE_FAULTS);
    a.sample_period = 1;
    a.exclude_kernel = 1;
    a.sample_type = PERF_SAMPLE_TID;
    a.write_backward = 1;
    int fd = make(&a, 0, -1, -1, 0);
    struct perf_event_mmap_page *page = mmap(NULL, 2 * PAGE, PROT_READ, MAP_SHARED, fd, 0);
    touch(1000);
    show("pause", ioctl(fd, PERF_EVENT_IOC_PAUSE_OUTPUT, 1));
    uint64_t head = page->data_head;
    touch(10);
    yes("paused", page->data_head == head);
    struct perf_event_header *newest = (void *)((char *)page + PAGE + (head & PAGE - 1));
    printf("type %u size %u head negative %d\n", newest->type, newest->size, (int64_t)head < -1000 * 16);
    munmap(page, 2 * PAGE);
    close(fd);
}

int main(int argc, char **argv)
{
    if (argc > 1 && !strcmp(argv[1], "exec"))
        return 0;
    struct { const char *name; void (*run)(void); } parts[] = {
        {"errors", errors}, {"files", files}, {"counts", counts}, {"clocks", clocks}, {"groups", groups},
        {"inheritance", inheritance}, {"maps", maps}, {"samples", samples}, {"lost", lost},
        {"sidelines", sidelines}, {"waiting", waiting}, {"overwritten", overwritten},
    };
    for (unsigned i = 0; i < sizeof parts / sizeof *parts; i++) {
        printf("-- %s\n", parts[i].name);
        fflush(stdout);
        parts[i].run();
        fflush(stdout);
    }
    return 0;
}
