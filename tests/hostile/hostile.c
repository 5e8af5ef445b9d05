/* hostile - programs that misbehave in every way: hostile MODE. Each says how far it came, and
 * what was left behind when it was over. */
#include <stdatomic.h>
#include "../programs/t.h"

static volatile int zero;

/* --- faults ----------------------------------------------------------------------------- */

static void fault_null(void) { *(volatile int *)NULL = 1; }
static void fault_kernel(void) { zero = *(volatile int *)~0xffful; }
static void fault_hole(void) { zero = *(volatile int *)0x2000000000ul; }
static void fault_code(void) { *(volatile int *)((uintptr_t)&fault_code & ~3ul) = 0; }

static void jump(void *address)
{
    void (*code)(void);
    memcpy(&code, &address, sizeof code);
    code();
}

static void fault_jump_null(void) { jump(NULL); }
static void fault_jump_wild(void) { jump((void *)0xdeadbeefdeadbeeeul); }

static void fault_jump_data(void)
{
    static int data[16];
    jump(data);
}

static __attribute__((noinline)) int deeper(volatile char *above)
{
    volatile char page[8192];
    page[0] = above ? above[0] : 0;
    return deeper(page) + page[0];
}

static void fault_stack(void) { zero = deeper(NULL); }
static void fault_no_stack(void) { __asm__ volatile("li sp, 0\n sd ra, 8(sp)"); }
static void fault_illegal(void) { __asm__ volatile(".4byte 0xffffffff"); }
static void fault_zeros(void) { __asm__ volatile(".2byte 0"); }
static void fault_break(void) { __asm__ volatile("ebreak"); }
static void fault_csr(void) { __asm__ volatile("csrr t0, mstatus" ::: "t0"); }
static void fault_mret(void) { __asm__ volatile("mret"); }
static void fault_wfi(void) { __asm__ volatile("sfence.vma"); }

static void fault_amo(void)
{
    static char bytes[16] __attribute__((aligned(16)));
    __asm__ volatile("amoadd.d t0, t0, (%0)" ::"r"(bytes + 1) : "t0", "memory");
}

static void fault_file_end(void)
{
    int fd = open("hole", O_RDWR | O_CREAT, 0600);
    zero = *(volatile char *)mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);
}

static void no_fault_division(void)
{
    volatile long minimum = LONG_MIN, divisor = 0, minus = -1;
    zero = minimum / divisor == -1 && minimum % divisor == minimum && minimum / minus == minimum;
    _exit(zero ? 0 : 1);
}

static const struct { const char *name; void (*run)(void); } faults[] = {
    {"null", fault_null}, {"kernel", fault_kernel}, {"hole", fault_hole}, {"code", fault_code},
    {"jump null", fault_jump_null}, {"jump wild", fault_jump_wild}, {"jump data", fault_jump_data},
    {"stack", fault_stack}, {"no stack", fault_no_stack}, {"illegal", fault_illegal},
    {"zeros", fault_zeros}, {"break", fault_break}, {"csr", fault_csr}, {"mret", fault_mret},
    {"sfence", fault_wfi}, {"amo", fault_amo}, {"file end", fault_file_end},
    {"division", no_fault_division},
};

static void on_fault(int number, siginfo_t *info, void *context)
{
    _exit(100 + number);
}

static void all_faults(void)
{
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
        for (int handled = 0; handled < 2; handled++) {
            pid_t pid = fork();
            if (pid == 0) {
                static char stack[65536];
                stack_t other = {.ss_sp = stack, .ss_size = sizeof stack};
                sigaltstack(&other, NULL);
                struct sigaction action = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_ONSTACK};
                for (int number = 1; handled && number < 32; number++)
                    sigaction(number, &action, NULL);
                faults[i].run();
                _exit(1);
            }
            show_status(faults[i].name, reap(pid));
        }
    }
}

/* --- without end ------------------------------------------------------------------------ */

static void descriptors(void)
{
    int count = 0;
    while (dup(0) >= 0)
        count++;
    printf("dup: %s\n", error_name(errno));
    yes("many", count > 200);
    pid_t pid = fork(); /* one who has them all */
    if (pid == 0)
        _exit(open("/dev/null", O_RDONLY) >= 0);
    show_status("child", reap(pid));
}

static void pipes(void)
{
    static char block[65536];
    int ends[2], count = 0;
    long bytes = 0;
    while (pipe2(ends, O_NONBLOCK) == 0) {
        count++;
        for (ssize_t n; (n = write(ends[1], block, sizeof block)) > 0;)
            bytes += n;
    }
    printf("pipe: %s\n", error_name(errno));
    yes("full ones", count > 100 && bytes >= count * 65536l);
}

static void sockets(void)
{
    static char block[65536];
    int ends[2], count = 0;
    while (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends) == 0) {
        count++;
        while (write(ends[1], block, sizeof block) > 0)
            ;
        send(ends[0], "x", 1, MSG_DONTWAIT);
        struct iovec part = {"y", 1}; /* sends itself to itself: a cycle of references */
        char control[CMSG_SPACE(sizeof(int))] = {0};
        struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = control,
                                 .msg_controllen = sizeof control};
        struct cmsghdr *head = CMSG_FIRSTHDR(&message);
        head->cmsg_level = SOL_SOCKET;
        head->cmsg_type = SCM_RIGHTS;
        head->cmsg_len = CMSG_LEN(sizeof(int));
        memcpy(CMSG_DATA(head), &ends[1], sizeof(int));
        sendmsg(ends[0], &message, MSG_DONTWAIT);
    }
    printf("socketpair: %s\n", error_name(errno));
}

static void terminals(void)
{
    int count = 0;
    for (int fd; (fd = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_NONBLOCK)) >= 0; count++)
        while (write(fd, "\033[2J\xff\n", 6) > 0 && count < 3)
            ;
    printf("ptmx: %s\n", error_name(errno));
    yes("many", count > 100);
}

static void *asleep(void *arg)
{
    pause();
    return NULL;
}

static void threads(void)
{
    int count = 0, error = 0;
    pthread_t thread;
    pthread_attr_t small;
    pthread_attr_init(&small);
    pthread_attr_setstacksize(&small, 16384);
    while (count < 20000 && (error = pthread_create(&thread, &small, asleep, NULL)) == 0)
        count++;
    printf("thread: %s\n", error_name(error));
    yes("many", count > 50);
}

static void areas(void)
{
    int count = 0;
    for (char *at = (char *)0x1000000000; count < 1 << 20; count++, at += 8192)
        if (mmap(at, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == MAP_FAILED)
            break;
    printf("mmap: %s\n", error_name(errno));
    yes("many", count > 10000);
}

static void file_bytes(void)
{
    static char block[1 << 20];
    int fd = open("big", O_RDWR | O_CREAT, 0600);
    long total = 0;
    for (ssize_t n; (n = write(fd, block, sizeof block)) > 0;)
        total += n;
    printf("write: %s\n", error_name(errno));
    yes("much", total > 8 << 20);
    unlink("big");
}

static void file_names(void)
{
    char name[64];
    int count = 0;
    for (; count < 30000; count++) {
        snprintf(name, sizeof name, "absent-%d", count);
        if (access(name, F_OK) == 0)
            exit(1);
        snprintf(name, sizeof name, "file-%d", count);
        if (mknod(name, S_IFREG | 0600, 0) < 0)
            break;
    }
    printf("files: %s\n", count == 30000 ? "all made" : error_name(errno));
    while (count-- > 0) {
        snprintf(name, sizeof name, "file-%d", count);
        unlink(name);
    }
}

static void chain(void)
{
    char path[PATH_MAX + 100] = "";
    int depth = 0;
    while (depth < 3000 && mkdir("d", 0700) == 0 && chdir("d") == 0)
        depth++;
    show("depth", depth);
    yes("getcwd", getcwd(path, sizeof path) != NULL || errno == ENAMETOOLONG || errno == ERANGE);
    for (; depth > 0; depth--)
        if (chdir("..") < 0 || rmdir("d") < 0) {
            show("back", -1);
            return;
        }
    memset(path, 'a', sizeof path - 1);
    show("long name", open(path, O_RDONLY));
    path[300] = 0;
    show("long part", open(path, O_RDONLY));
    symlink("loop", "loop");
    show("loop", open("loop", O_RDONLY));
    make_file("l0", "x");
    for (int i = 1; i <= 41; i++) {
        char from[16], to[16];
        snprintf(from, sizeof from, "l%d", i - 1);
        snprintf(to, sizeof to, "l%d", i);
        symlink(from, to);
    }
    show("40 links", open("l40", O_RDONLY) >= 0 ? 0 : -1);
    show("41 links", open("l41", O_RDONLY));
}

static void arguments(void)
{
    char *big = malloc(1 << 20), **many = calloc(100002, sizeof *many);
    memset(big, 'x', (1 << 20) - 1);
    char *one[] = {"true", big, NULL}, *none[] = {NULL};
    show("1 MiB argument", execve("/proc/self/exe", one, none));
    for (int i = 0; i < 100000; i++)
        many[i] = "NAME=value";
    pid_t pid = fork();
    if (pid == 0) {
        execve("/proc/self/exe", (char *[]){"hostile", "count", NULL}, many);
        show("100000 variables", -1);
        _exit(1);
    }
    show_status("100000 variables", reap(pid));
    for (int i = 0; i < 100000; i++)
        many[i] = big + (1 << 20) - 1001;
    show("100 MB of variables", execve("/proc/self/exe", one, many));
}

static void forks(bool limited)
{
    struct rlimit few = {30, 30};
    if (limited && (setuid(1000) < 0 || setrlimit(RLIMIT_NPROC, &few) < 0))
        exit(2);
    for (;;)
        if (fork() < 0 && limited)
            sched_yield();
}

static void epolls(void)
{
    int first = epoll_create1(0), last = first, depth = 0;
    struct epoll_event event = {.events = EPOLLIN};
    for (; depth < 100; depth++) {
        int next = epoll_create1(0);
        if (next < 0 || epoll_ctl(next, EPOLL_CTL_ADD, last, &event) < 0)
            break;
        last = next;
    }
    printf("nesting: %s\n", error_name(errno));
    show("cycle", epoll_ctl(first, EPOLL_CTL_ADD, last, &event));
    show("itself", epoll_ctl(first, EPOLL_CTL_ADD, first, &event));
}

static void signals_queued(void)
{
    sigset_t all;
    sigfillset(&all);
    sigprocmask(SIG_BLOCK, &all, NULL);
    long count = 0;
    while (count < 1 << 20 && sigqueue(getpid(), SIGRTMIN, (union sigval){0}) == 0)
        count++;
    printf("sigqueue: %s\n", error_name(errno));
    timer_t timer;
    struct sigevent event = {.sigev_notify = SIGEV_NONE};
    for (count = 0; count < 1 << 20 && timer_create(CLOCK_MONOTONIC, &event, &timer) == 0; count++)
        ;
    printf("timer_create: %s\n", error_name(errno));
}

static const struct { const char *name; void (*run)(void); } modes[] = {
    {"faults", all_faults}, {"descriptors", descriptors}, {"pipes", pipes}, {"sockets", sockets},
    {"terminals", terminals}, {"threads", threads}, {"areas", areas}, {"bytes", file_bytes},
    {"names", file_names}, {"chain", chain}, {"arguments", arguments}, {"epolls", epolls},
    {"queue", signals_queued},
};

int main(int argc, char **argv)
{
    const char *mode = argc > 1 ? argv[1] : "";
    if (strcmp(mode, "count") == 0)
        return 0;
    if (strncmp(mode, "forks", 5) == 0)
        forks(mode[5] != 0);
    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++)
        if (strcmp(mode, modes[i].name) == 0) {
            modes[i].run();
            return 0;
        }
    return 99;
}
