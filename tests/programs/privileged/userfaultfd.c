/* userfaultfd: memory that arrives page by page, protected pages, events, errors in their order */
#include "../t.h"

#include <linux/userfaultfd.h>

#define PAGE 4096UL

/* newer than some <linux/userfaultfd.h> */
struct moving { uint64_t dst, src, len, mode; int64_t move; };
struct poisoning { struct uffdio_range range; uint64_t mode; int64_t updated; };
#define MOVE _IOWR(UFFDIO, 5, struct moving)
#define POISON _IOWR(UFFDIO, 8, struct poisoning)
#define MOVE_HOLES 2
#define FEATURE_SHARED_WP (1 << 12)
#define FEATURE_POISON (1 << 14)
#define FEATURE_MOVE (1 << 16)
#ifndef UFFD_USER_MODE_ONLY
#define UFFD_USER_MODE_ONLY 1
#endif

static int uffd;
static int control[2]; /* a byte ends the server */
static pthread_t server;
static char *base;      /* what is served */
static size_t served, written, minor, protect_faults;
static char source[4 * PAGE] __attribute__((aligned(4096)));

static int open_uffd(uint64_t features, int flags)
{
    struct uffdio_api api = {.api = UFFD_API, .features = features};
    int fd = syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK | flags);
    if (fd < 0 || ioctl(fd, UFFDIO_API, &api) < 0)
        exit(98);
    return fd;
}

static long watch(int fd, void *start, size_t size, uint64_t mode)
{
    struct uffdio_register area = {.range = {(uintptr_t)start, size}, .mode = mode};
    return ioctl(fd, UFFDIO_REGISTER, &area);
}

static long forget(int fd, void *start, size_t size)
{
    struct uffdio_range range = {(uintptr_t)start, size};
    return ioctl(fd, UFFDIO_UNREGISTER, &range);
}

static long copy(int fd, void *to, const void *from, size_t size, uint64_t mode, int64_t *done)
{
    struct uffdio_copy request = {(uintptr_t)to, (uintptr_t)from, size, mode, 0};
    long result = ioctl(fd, UFFDIO_COPY, &request);
    if (done)
        *done = request.copy;
    return result;
}

static long zero(int fd, void *to, size_t size)
{
    struct uffdio_zeropage request = {{(uintptr_t)to, size}, 0, 0};
    return ioctl(fd, UFFDIO_ZEROPAGE, &request);
}

static long protect(int fd, void *start, size_t size, uint64_t mode)
{
    struct uffdio_writeprotect request = {{(uintptr_t)start, size}, mode};
    return ioctl(fd, UFFDIO_WRITEPROTECT, &request);
}

static long resume(int fd, void *start, size_t size)
{
    struct uffdio_continue request = {{(uintptr_t)start, size}, 0, 0};
    return ioctl(fd, UFFDIO_CONTINUE, &request);
}

static char *map(size_t pages, int flags)
{
    return mmap(NULL, pages * PAGE, PROT_READ | PROT_WRITE, flags | MAP_ANONYMOUS, -1, 0);
}

/* -- a server of pages ---------------------------------------------------------------------- */

static void serve_one(struct uffd_msg *message)
{
    char *page = (char *)(message->arg.pagefault.address & -PAGE);
    uint64_t flags = message->arg.pagefault.flags;
    char content[PAGE];
    if (message->event != UFFD_EVENT_PAGEFAULT)
        return;
    served++;
    written += flags & UFFD_PAGEFAULT_FLAG_WRITE ? 1 : 0;
    if (flags & UFFD_PAGEFAULT_FLAG_WP) {
        protect_faults++;
        protect(uffd, page, PAGE, 0);
        return;
    }
    if (flags & UFFD_PAGEFAULT_FLAG_MINOR) {
        minor++;
        resume(uffd, page, PAGE);
        return;
    }
    memset(content, 'a' + (page - base) / PAGE, PAGE);
    copy(uffd, page, content, PAGE, 0, NULL);
}

static void *serve(void *unused)
{
    struct pollfd fds[2] = {{uffd, POLLIN, 0}, {control[0], POLLIN, 0}};
    struct uffd_msg messages[4];
    char byte;
    while (poll(fds, 2, -1) > 0) {
        if (fds[1].revents)
            break;
        ssize_t size = read(uffd, messages, sizeof messages);
        for (ssize_t i = 0; i < size / (ssize_t)sizeof *messages; i++)
            serve_one(&messages[i]);
    }
    read(control[0], &byte, 1);
    return NULL;
}

static void start_server(char *memory)
{
    base = memory;
    served = written = minor = protect_faults = 0;
    pthread_create(&server, NULL, serve, NULL);
}

static void stop_server(void)
{
    write(control[1], "", 1);
    pthread_join(server, NULL);
    printf("faults %zu, writes %zu, minor %zu, protected %zu\n", served, written, minor,
           protect_faults);
}

/* -- tests ------------------------------------------------------------------------------------ */

static void opening(void)
{
    struct uffdio_api api = {.api = UFFD_API};
    struct uffd_msg message;
    ok("flags", syscall(SYS_userfaultfd, 1 << 20));
    int fd = syscall(SYS_userfaultfd, O_NONBLOCK | UFFD_USER_MODE_ONLY);
    ok("read first", read(fd, &message, sizeof message));
    ok("register first", watch(fd, source, PAGE, UFFDIO_REGISTER_MODE_MISSING));
    struct pollfd entry = {fd, POLLIN, 0};
    poll(&entry, 1, 0);
    printf("poll %x\n", entry.revents);
    api.api = 1;
    ok("wrong api", ioctl(fd, UFFDIO_API, &api));
    printf("%d %d\n", (int)api.api, (int)api.features);
    api = (struct uffdio_api){.api = UFFD_API, .features = 1ULL << 60};
    ok("wrong feature", ioctl(fd, UFFDIO_API, &api));
    api = (struct uffdio_api){.api = UFFD_API};
    ok("api", ioctl(fd, UFFDIO_API, &api));
    yes("has sigbus, unmap, move", !(~api.features & (1 << 7 | 1 << 6 | 1 << 16)));
    printf("calls %llx\n", (unsigned long long)api.ioctls);
    ok("api again", ioctl(fd, UFFDIO_API, &api));
    ok("read", read(fd, &message, sizeof message));
    ok("read little", read(fd, &message, sizeof message - 1));
    ok("write", write(fd, &message, sizeof message));
    ok("other request", ioctl(fd, 0x1234, 0));
    poll(&entry, 1, 0);
    printf("poll %x\n", entry.revents);
    fcntl(fd, F_SETFL, 0);
    poll(&entry, 1, 0);
    printf("poll of a blocking one %x\n", entry.revents);
    close(fd);
}

static void errors(void)
{
    int64_t done = 0;
    int fd = open_uffd(0, 0), other = open_uffd(0, 0);
    char *memory = map(8, MAP_PRIVATE);
    struct uffdio_register area = {.range = {(uintptr_t)memory, 4 * PAGE}, .mode = 1};
    ok("no mode", watch(fd, memory, PAGE, 0));
    ok("unknown mode", watch(fd, memory, PAGE, 16));
    ok("odd start", watch(fd, memory + 1, PAGE, 1));
    ok("odd size", watch(fd, memory, PAGE + 1, 1));
    ok("no size", watch(fd, memory, 0, 1));
    ok("address 0", watch(fd, NULL, PAGE, 1));
    ok("far", watch(fd, (void *)(1UL << 63), PAGE, 1));
    ok("minor of private", watch(fd, memory, PAGE, UFFDIO_REGISTER_MODE_MINOR));
    ok("register", ioctl(fd, UFFDIO_REGISTER, &area));
    printf("calls %llx\n", (unsigned long long)area.ioctls);
    ok("register again", watch(fd, memory, 4 * PAGE, 1));
    ok("by another", watch(other, memory, PAGE, 1));
    ok("copy", copy(fd, memory, source, PAGE, 0, &done));
    printf("%d\n", (int)done);
    ok("copy again", copy(fd, memory, source, PAGE, 0, &done));
    printf("%d\n", (int)done);
    ok("copy three", copy(fd, memory + PAGE, source, 3 * PAGE, 0, &done));
    printf("%d\n", (int)done);
    munmap(memory + 2 * PAGE, 2 * PAGE);
    ok("copy beyond", copy(fd, memory + PAGE, source, 2 * PAGE, 0, &done));
    madvise(memory, 2 * PAGE, MADV_DONTNEED);
    ok("copy back", copy(fd, memory + PAGE, source, PAGE, 0, &done));
    ok("copy over", copy(fd, memory, source, 2 * PAGE, 0, &done));
    printf("%d\n", (int)done);
    ok("unregistered", copy(fd, memory + 5 * PAGE, source, PAGE, 0, &done));
    printf("%d\n", (int)done);
    ok("bad source", copy(fd, memory, (char *)8192, PAGE, 0, &done));
    ok("bad mode", copy(fd, memory, source, PAGE, 8, &done));
    ok("odd", copy(fd, memory + 5, source, PAGE, 0, &done));
    ok("protect what is not for it", protect(fd, memory, PAGE, 1));
    ok("copy protected", copy(fd, memory, source, PAGE, 2, &done));
    ok("zero over", zero(fd, memory, PAGE));
    ok("continue", resume(fd, memory, PAGE));
    ok("unregister", forget(fd, memory, 2 * PAGE));
    ok("unregister again", forget(fd, memory, 2 * PAGE));
    ok("unregister nothing", forget(fd, (void *)(1UL << 30), PAGE));
    ok("by another now", watch(other, memory, PAGE, 1));
    close(fd), close(other);
    printf("free again %d\n", memory[0]);
    munmap(memory, 8 * PAGE);
}

static void missing(int flags)
{
    int ends[2];
    char text[PAGE];
    struct iovec pieces[2];
    char *memory = map(16, flags);
    uffd = open_uffd(0, 0);
    ok("register", watch(uffd, memory, 16 * PAGE, UFFDIO_REGISTER_MODE_MISSING));
    start_server(memory);
    printf("load %c, store ", memory[5]);
    ((volatile char *)memory)[PAGE] = 'X';
    printf("%c %c\n", memory[PAGE], memory[PAGE + 1]);
    pipe(ends);
    show("write", write(ends[1], memory + 2 * PAGE, 10));
    show("read", read(ends[0], text, sizeof text));
    printf("%.10s\n", text);
    write(ends[1], "hello", 5);
    show("read into", read(ends[0], memory + 3 * PAGE, 5));
    printf("%.7s\n", memory + 3 * PAGE);
    pieces[0] = (struct iovec){memory + 4 * PAGE, 3};
    pieces[1] = (struct iovec){memory + 5 * PAGE, 3};
    show("writev", writev(ends[1], pieces, 2));
    pieces[0].iov_base = memory + 6 * PAGE;
    pieces[1].iov_base = memory + 7 * PAGE;
    show("readv", readv(ends[0], pieces, 2));
    printf("%.5s %.5s\n", memory + 6 * PAGE, memory + 7 * PAGE);
    ok("open", open(memory + 8 * PAGE, O_RDONLY));
    ok("uname", uname((struct utsname *)(memory + 9 * PAGE)));
    printf("%.5s\n", memory + 9 * PAGE);
    pid_t child = fork();
    if (!child)
        _exit(7);
    show("wait4", wait4(child, (int *)(memory + 10 * PAGE), 0, NULL) == child);
    printf("status %x\n", *(int *)(memory + 10 * PAGE));
    ok("pipe", pipe((int *)(memory + 11 * PAGE)));
    ok("nanosleep", nanosleep((struct timespec *)(memory + 12 * PAGE), NULL));
    stop_server();
    close(uffd);
    printf("closed: %d\n", memory[13 * PAGE]);
    munmap(memory, 16 * PAGE);
}

static volatile sig_atomic_t signals;
static sigjmp_buf again;
static volatile int code;

static void note(int number)
{
    signals++;
}

static void *poke(void *thread)
{
    while (!signals) {
        pause_ms(5);
        pthread_kill(*(pthread_t *)thread, SIGUSR1);
    }
    copy(uffd, base, source, PAGE, 0, NULL);
    return NULL;
}

static void interrupted(void)
{
    pthread_t thread, self = pthread_self();
    base = map(1, MAP_PRIVATE);
    uffd = open_uffd(0, 0);
    watch(uffd, base, PAGE, 1);
    signal(SIGUSR1, note);
    pthread_create(&thread, NULL, poke, &self);
    printf("after a signal %d\n", base[0]);
    pthread_join(thread, NULL);
    yes("signalled", signals > 0);
    close(uffd);
    munmap(base, PAGE);
}

static void bus(int number, siginfo_t *info, void *context)
{
    code = info->si_code;
    siglongjmp(again, 1);
}

static void refused(void)
{
    struct sigaction action = {.sa_sigaction = bus, .sa_flags = SA_SIGINFO};
    char *memory = map(4, MAP_PRIVATE);
    struct poisoning poison = {{(uintptr_t)memory, PAGE}, 0, 0};
    sigaction(SIGBUS, &action, NULL);
    uffd = open_uffd(UFFD_FEATURE_SIGBUS | FEATURE_POISON, 0);
    watch(uffd, memory, 4 * PAGE, 1);
    if (!sigsetjmp(again, 1))
        memory[2 * PAGE] = 1;
    printf("sigbus %d\n", code);
    ok("read", read(control[0], memory + PAGE, 0));
    write(control[1], "x", 1);
    ok("read into it", read(control[0], memory + PAGE, 1));
    zero(uffd, memory + PAGE, PAGE);
    ok("read now", read(control[0], memory + PAGE, 1));
    ok("poison", ioctl(uffd, POISON, &poison));
    printf("%d\n", (int)poison.updated);
    if (!sigsetjmp(again, 1))
        memory[0] = 1;
    printf("sigbus %d\n", code);
    ok("poison again", ioctl(uffd, POISON, &poison));
    ok("copy over poison", copy(uffd, memory, source, PAGE, 0, NULL));
    printf("%d\n", memory[0]);
    close(uffd);
    uffd = open_uffd(0, UFFD_USER_MODE_ONLY);
    madvise(memory, 4 * PAGE, MADV_DONTNEED);
    watch(uffd, memory, 4 * PAGE, 1);
    write(control[1], "x", 1);
    ok("user mode only", read(control[0], memory, 1));
    close(uffd);
    ok("closed", read(control[0], memory, 1));
    signal(SIGBUS, SIG_DFL);
    munmap(memory, 4 * PAGE);
}

static void write_protection(int flags)
{
    char *memory = map(4, flags);
    memset(memory, 'm', 3 * PAGE);
    uffd = open_uffd(UFFD_FEATURE_PAGEFAULT_FLAG_WP | FEATURE_SHARED_WP, 0);
    ok("register", watch(uffd, memory, 4 * PAGE, UFFDIO_REGISTER_MODE_WP));
    ok("protect", protect(uffd, memory, 4 * PAGE, UFFDIO_WRITEPROTECT_MODE_WP));
    ok("protect quietly", protect(uffd, memory, 4 * PAGE, 3));
    start_server(memory);
    printf("read %c, ", memory[0]);
    ((volatile char *)memory)[0] = 'w';
    memory[1] = 'w';
    memory[PAGE] = 'w';
    printf("%c %c %c\n", memory[0], memory[PAGE], memory[2 * PAGE]);
    memory[3 * PAGE] = 'w';
    stop_server();
    ok("unregister", forget(uffd, memory, 4 * PAGE));
    memory[2 * PAGE] = 'u';
    printf("%c\n", memory[2 * PAGE]);
    close(uffd);
    munmap(memory, 4 * PAGE);
}

static void minor_faults(void)
{
    int file = syscall(SYS_memfd_create, "shared", 0);
    ftruncate(file, 4 * PAGE);
    char *memory = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    char *alias = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    uffd = open_uffd(0, 0);
    ok("register", watch(uffd, memory, 4 * PAGE,
                         UFFDIO_REGISTER_MODE_MISSING | UFFDIO_REGISTER_MODE_MINOR));
    start_server(memory);
    alias[0] = 'A';
    printf("%c %c\n", memory[0], memory[PAGE]);
    printf("the file has it: %c\n", alias[PAGE]);
    stop_server();
    ok("continue what is not there", resume(uffd, memory + 2 * PAGE, PAGE));
    alias[2 * PAGE] = 'B';
    ok("copy what is there", copy(uffd, memory + 2 * PAGE, source, PAGE, 0, NULL));
    ok("continue", resume(uffd, memory + 2 * PAGE, PAGE));
    printf("%c\n", memory[2 * PAGE]);
    ok("continue again", resume(uffd, memory + 2 * PAGE, PAGE));
    close(uffd), close(file);
    munmap(memory, 4 * PAGE), munmap(alias, 4 * PAGE);
}

static void moving(void)
{
    char *from = map(4, MAP_PRIVATE), *to = map(4, MAP_PRIVATE);
    uffd = open_uffd(FEATURE_MOVE, 0);
    watch(uffd, to, 4 * PAGE, 1);
    memset(from, 'f', 2 * PAGE);
    struct moving request = {(uintptr_t)to, (uintptr_t)from, PAGE, 0, 0};
    ok("move", ioctl(uffd, MOVE, &request));
    printf("%d %c %d\n", (int)request.move, to[0], from[0]);
    ok("move again", ioctl(uffd, MOVE, &request));
    request.src += PAGE, request.dst += PAGE, request.len = 3 * PAGE;
    ok("move holes", ioctl(uffd, MOVE, &request));
    printf("%d %c\n", (int)request.move, to[PAGE]);
    request.src += PAGE, request.dst += PAGE, request.len = 2 * PAGE;
    request.mode = MOVE_HOLES;
    ok("move only holes", ioctl(uffd, MOVE, &request));
    printf("%d\n", (int)request.move);
    ok("copy there", copy(uffd, to + 2 * PAGE, source, PAGE, 0, NULL));
    request.mode = 64;
    ok("mode", ioctl(uffd, MOVE, &request));
    close(uffd);
    munmap(from, 4 * PAGE), munmap(to, 4 * PAGE);
}

/* -- events: a monitor prints what happens -------------------------------------------------------- */

static pthread_mutex_t printing = PTHREAD_MUTEX_INITIALIZER;

/* What was read before the caller went on is printed before what it prints. */
static long told(long result)
{
    int error = errno;
    pthread_mutex_lock(&printing);
    pthread_mutex_unlock(&printing);
    errno = error;
    return result;
}

static void *monitor(void *unused)
{
    struct pollfd fds[2] = {{uffd, POLLIN, 0}, {control[0], POLLIN, 0}};
    struct uffd_msg message;
    char byte;
    while (poll(fds, 2, -1) > 0 && !fds[1].revents) {
        pthread_mutex_lock(&printing);
        if (read(uffd, &message, sizeof message) != sizeof message) {
            pthread_mutex_unlock(&printing);
            continue;
        }
        char *from = (char *)message.arg.remap.from;
        switch (message.event) {
        case UFFD_EVENT_FORK: {
            int child = message.arg.fork.ufd;
            printf("event fork\n");
            fflush(stdout);
            struct pollfd entry = {child, POLLIN, 0};
            poll(&entry, 1, 10000);
            if (read(child, &message, sizeof message) == sizeof message)
                copy(child, (void *)(message.arg.pagefault.address & -PAGE), source, PAGE, 0, NULL);
            close(child);
            break;
        }
        case UFFD_EVENT_REMAP:
            printf("event remap %ld %ld\n", (long)(from - base) / (long)PAGE,
                   (long)message.arg.remap.len / (long)PAGE);
            break;
        case UFFD_EVENT_REMOVE:
        case UFFD_EVENT_UNMAP:
            printf("event %s %ld %ld\n", message.event == UFFD_EVENT_UNMAP ? "unmap" : "remove",
                   (long)(from - base) / (long)PAGE,
                   (long)((char *)message.arg.remove.end - base) / (long)PAGE);
            break;
        case UFFD_EVENT_PAGEFAULT:
            copy(uffd, (void *)(message.arg.pagefault.address & -PAGE), source, PAGE, 0, NULL);
        }
        fflush(stdout);
        pthread_mutex_unlock(&printing);
    }
    read(control[0], &byte, 1);
    return NULL;
}

static void events(void)
{
    base = map(8, MAP_PRIVATE);
    uffd = open_uffd(UFFD_FEATURE_EVENT_FORK | UFFD_FEATURE_EVENT_REMAP | UFFD_FEATURE_EVENT_REMOVE
                     | UFFD_FEATURE_EVENT_UNMAP, 0);
    watch(uffd, base, 8 * PAGE, 1);
    memset(source, 's', sizeof source);
    pthread_create(&server, NULL, monitor, NULL);
    printf("%c\n", base[0]);
    ok("dontneed", told(madvise(base, 2 * PAGE, MADV_DONTNEED)));
    printf("%c\n", base[PAGE]);
    ok("munmap", told(munmap(base + 6 * PAGE, 2 * PAGE)));
    pid_t child = fork();
    if (!child)
        _exit(base[3 * PAGE]);
    show_status("child", reap(child));
    char *target = map(2, MAP_PRIVATE);
    yes("mremap", mremap(base + 4 * PAGE, 2 * PAGE, 2 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED,
                         target) == target && told(1));
    printf("%c\n", target[0]);
    write(control[1], "", 1);
    pthread_join(server, NULL);
    close(uffd);
    munmap(base, 8 * PAGE);
}

/* A garbage collector's barrier: WP_ASYNC lets writes go on; a fork without events is plain memory. */
static void quiet_fork(void)
{
    char *memory = map(2, MAP_PRIVATE);
    uffd = open_uffd(0, 0);
    watch(uffd, memory, 2 * PAGE, UFFDIO_REGISTER_MODE_MISSING | UFFDIO_REGISTER_MODE_WP);
    copy(uffd, memory, source, PAGE, UFFDIO_COPY_MODE_WP, NULL);
    pid_t child = fork();
    if (!child) {
        memory[0] = 1;
        _exit(memory[0] + memory[PAGE]);
    }
    show_status("child", reap(child));
    start_server(memory);
    memory[0] = 'p';
    stop_server();
    close(uffd);
    munmap(memory, 2 * PAGE);
}

/* A snapshot: writes go on and leave a trace, which is read and taken away at once. */
struct scan { uint64_t size, flags, start, end, walk_end, vec, vec_len, max_pages, inverted, mask,
              any_of, returned; };
struct region { uint64_t start, end, categories; };
#define SCAN _IOWR('f', 16, struct scan)
#define FEATURE_UNPOPULATED (1 << 13)
#define FEATURE_ASYNC (1 << 15)

static void scan(int pagemap, char *memory, uint64_t flags, uint64_t mask, unsigned most)
{
    struct region regions[8] = {0};
    struct scan request = {sizeof request, flags, (uintptr_t)memory, (uintptr_t)memory + 8 * PAGE, 0,
                           (uintptr_t)regions, most, 0, 0, mask, 0, 15};
    long count = ioctl(pagemap, SCAN, &request);
    if (count < 0) {
        show("scan", -1);
        return;
    }
    for (long i = 0; i < count; i++)
        printf("%d-%d:%d ", (int)((regions[i].start - (uintptr_t)memory) / PAGE),
               (int)((regions[i].end - (uintptr_t)memory) / PAGE), (int)regions[i].categories);
    printf("to %d\n", (int)((request.walk_end - (uintptr_t)memory) / PAGE));
}

static void tracking(void)
{
    uint64_t entries[8];
    char *memory = map(8, MAP_PRIVATE), *plain = map(9, MAP_PRIVATE);
    int pagemap = open("/proc/self/pagemap", O_RDONLY);
    uffd = open_uffd(FEATURE_ASYNC, 0);
    ok("register", watch(uffd, memory, 8 * PAGE, UFFDIO_REGISTER_MODE_WP));
    memset(memory, 'm', 4 * PAGE);
    ok("protect", protect(uffd, memory, 8 * PAGE, UFFDIO_WRITEPROTECT_MODE_WP));
    show("pagemap", pread(pagemap, entries, sizeof entries, (uintptr_t)memory / PAGE * 8));
    for (int i = 0; i < 8; i++)
        printf("%s%x", i ? " " : "", (unsigned)(entries[i] >> 56) & 0xa2);
    printf("\n");
    show("odd", pread(pagemap, entries, 9, 0));
    scan(pagemap, memory, 2, 2, 8);
    memory[PAGE] = 'w', memory[2 * PAGE] = 'w', memory[5 * PAGE] = 'w';
    scan(pagemap, memory, 2, 2, 8);
    scan(pagemap, memory, 3, 2, 1);
    scan(pagemap, memory, 3, 2, 8);
    scan(pagemap, memory, 3, 2, 8);
    memory[0] = 'w';
    scan(pagemap, memory, 0, 2, 8);
    scan(pagemap, plain, 2, 2, 8);
    scan(pagemap, memory, 8, 2, 8);
    scan(pagemap, memory, 0, 512, 8);
    close(uffd), close(pagemap);
    munmap(memory, 8 * PAGE), munmap(plain, 9 * PAGE);
}

/* Pages that another process serves, as after a migration; then it dies, and what is left is zeros. */
static void *touch(void *page)
{
    return (void *)(intptr_t)*(volatile char *)page;
}

static void served_by_another(void)
{
    pthread_t threads[6];
    int ends[2];
    char text[8 * PAGE];
    base = map(16, MAP_PRIVATE);
    uffd = open_uffd(0, 0);
    watch(uffd, base, 16 * PAGE, 1);
    pid_t child = fork();
    if (!child) {
        struct pollfd entry = {uffd, POLLIN, 0};
        struct uffd_msg message;
        for (int i = 0; i < 10 && poll(&entry, 1, -1) > 0; i++)
            if (read(uffd, &message, sizeof message) == sizeof message)
                serve_one(&message);
        _exit(0);
    }
    for (int i = 0; i < 6; i++)
        pthread_create(&threads[i], NULL, touch, base + i * PAGE);
    for (int i = 0; i < 6; i++) {
        void *value;
        pthread_join(threads[i], &value);
        printf("%c", (char)(intptr_t)value);
    }
    pipe(ends);
    printf("\n");
    show("through the kernel", write(ends[1], base + 6 * PAGE, 4 * PAGE));
    show("and back", read(ends[0], text, sizeof text));
    printf("%c%c%c%c\n", text[0], text[PAGE], text[2 * PAGE], text[3 * PAGE]);
    reap(child);
    close(uffd);
    printf("nobody: %d\n", base[12 * PAGE]);
    munmap(base, 16 * PAGE);
}

static volatile pid_t toucher;

static void *touch_and_tell(void *page)
{
    toucher = syscall(SYS_gettid);
    return touch(page);
}

static void looked_at(void)
{
    pthread_t thread;
    struct pollfd entry;
    char path[64], text[256] = "";
    char *memory = map(1, MAP_PRIVATE);
    uffd = open_uffd(0, 0);
    entry = (struct pollfd){uffd, POLLIN, 0};
    watch(uffd, memory, PAGE, 1);
    pthread_create(&thread, NULL, touch_and_tell, memory);
    poll(&entry, 1, -1);
    snprintf(path, sizeof path, "/proc/self/task/%d/syscall", (int)toucher);
    int fd = open(path, O_RDONLY);
    while (read(fd, text, sizeof text - 1) > 0 && text[0] == 'r')
        lseek(fd, 0, SEEK_SET);
    close(fd);
    printf("in no call: %.2s\n", text);
    snprintf(path, sizeof path, "/proc/self/fdinfo/%d", uffd);
    fd = open(path, O_RDONLY);
    memset(text, 0, sizeof text);
    read(fd, text, sizeof text - 1);
    close(fd);
    char *pending = strstr(text, "pending:");
    printf("%.20s\n", pending ? pending : text);
    zero(uffd, memory, PAGE);
    pthread_join(thread, NULL);
    close(uffd);
    munmap(memory, PAGE);
}

static void killed(void)
{
    pid_t child = fork();
    if (!child) {
        base = map(1, MAP_PRIVATE);
        uffd = open_uffd(0, 0);
        watch(uffd, base, PAGE, 1);
        base[0] = 1;
        _exit(1);
    }
    pause_ms(30);
    kill(child, SIGKILL);
    show_status("killed while it waits", reap(child));
}

int main(void)
{
    pipe(control);
    opening();
    errors();
    missing(MAP_PRIVATE);
    missing(MAP_SHARED);
    interrupted();
    refused();
    write_protection(MAP_PRIVATE);
    write_protection(MAP_SHARED);
    minor_faults();
    moving();
    events();
    quiet_fork();
    tracking();
    served_by_another();
    looked_at();
    killed();
    return 0;
}
