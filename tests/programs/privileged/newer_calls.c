/* setxattrat and its kin, cachestat, kcmp, quotactl_fd, sched_setattr: results, errors in their order */
#include "../t.h"

#include <sys/xattr.h>

#define CACHESTAT 451
#define SETXATTRAT 463
#define GETXATTRAT 464
#define LISTXATTRAT 465
#define REMOVEXATTRAT 466

struct xattr { uint64_t value; uint32_t size, flags; };
struct part { uint64_t offset, length; };
struct figures { uint64_t cached, dirty, writeback, evicted, recently; };
struct attributes { uint32_t size, policy; uint64_t flags; int32_t nice; uint32_t priority;
                    uint64_t times[3]; };
struct slot { uint32_t epoll, fd, which; };

static void attributes(void)
{
    char text[32] = "";
    struct xattr set = {(uintptr_t)"value", 5, 0}, get = {(uintptr_t)text, sizeof text, 0};
    char longer[32] = {0};
    make_file("file", "");
    symlink("file", "link");
    int dir = open(".", O_RDONLY), fd = open("file", O_RDWR), path = open("file", O_PATH);
    ok("set", syscall(SETXATTRAT, dir, "file", 0, "user.one", &set, sizeof set));
    show("get", syscall(GETXATTRAT, dir, "link", 0, "user.one", &get, sizeof get));
    printf("%s\n", text);
    ok("of the link", syscall(SETXATTRAT, dir, "link", 0x100, "user.one", &set, sizeof set));
    show("empty path", syscall(GETXATTRAT, fd, "", 0x1000, "user.one", &get, sizeof get));
    show("no path", syscall(GETXATTRAT, fd, NULL, 0x1000, "user.one", &get, sizeof get));
    show("O_PATH", syscall(GETXATTRAT, path, "", 0x1000, "user.one", &get, sizeof get));
    show("no flag", syscall(GETXATTRAT, fd, "", 0, "user.one", &get, sizeof get));
    show("bad path", syscall(GETXATTRAT, fd, NULL, 0, "user.one", &get, sizeof get));
    show("flags", syscall(GETXATTRAT, dir, "file", 1, "user.one", &get, sizeof get));
    show("size", syscall(GETXATTRAT, dir, "file", 0, "user.one", &get, 15));
    show("great size", syscall(GETXATTRAT, dir, "file", 0, "user.one", &get, 5000));
    memcpy(longer, &get, sizeof get);
    show("longer", syscall(GETXATTRAT, dir, "file", 0, "user.one", longer, 32));
    longer[20] = 1;
    show("longer, not zero", syscall(GETXATTRAT, dir, "file", 0, "user.one", longer, 32));
    get.flags = 1;
    show("flags of get", syscall(GETXATTRAT, dir, "file", 0, "user.one", &get, sizeof get));
    set.flags = XATTR_CREATE;
    ok("create", syscall(SETXATTRAT, dir, "file", 0, "user.one", &set, sizeof set));
    set.flags = 64;
    ok("set flags", syscall(SETXATTRAT, dir, "file", 0, "user.one", &set, sizeof set));
    show("list", syscall(LISTXATTRAT, dir, "file", 0, text, sizeof text) >= 9);
    ok("remove", syscall(REMOVEXATTRAT, dir, "file", 0, "user.one"));
    ok("remove again", syscall(REMOVEXATTRAT, dir, "file", 0, "user.one"));
    ok("bad directory", syscall(REMOVEXATTRAT, 99, "file", 0, "user.one"));
    close(dir), close(fd), close(path);
}

static void cache(void)
{
    struct part all = {0, 0}, one = {4096, 1}, far = {1 << 20, 4096};
    struct figures figures = {0};
    int fd = syscall(SYS_memfd_create, "cached", 0), ends[2];
    ftruncate(fd, 5 * 4096);
    pwrite(fd, "a", 1, 0), pwrite(fd, "b", 1, 4096), pwrite(fd, "c", 1, 3 * 4096);
    ok("all", syscall(CACHESTAT, fd, &all, &figures, 0));
    printf("%d\n", (int)figures.cached);
    ok("one", syscall(CACHESTAT, fd, &one, &figures, 0));
    printf("%d\n", (int)figures.cached);
    ok("far", syscall(CACHESTAT, fd, &far, &figures, 0));
    printf("%d\n", (int)figures.cached);
    ok("flags", syscall(CACHESTAT, fd, &all, &figures, 1));
    ok("bad part", syscall(CACHESTAT, fd, NULL, &figures, 1));
    ok("bad figures", syscall(CACHESTAT, fd, &all, NULL, 0));
    ok("bad descriptor", syscall(CACHESTAT, 99, NULL, &figures, 0));
    pipe(ends);
    ok("pipe", syscall(CACHESTAT, ends[1], &all, &figures, 0));
    printf("%d\n", (int)figures.cached);
}

static void comparing(void)
{
    int epoll = epoll_create1(0), ends[2], pid = getpid();
    struct epoll_event event = {EPOLLIN, {0}};
    pipe(ends);
    struct slot slot = {epoll, ends[0], 0};
    epoll_ctl(epoll, EPOLL_CTL_ADD, ends[0], &event);
    show("watched", syscall(SYS_kcmp, pid, pid, 7, ends[0], &slot));
    show("another", syscall(SYS_kcmp, pid, pid, 7, ends[1], &slot) > 0);
    slot.which = 1;
    show("only one", syscall(SYS_kcmp, pid, pid, 7, ends[0], &slot));
    slot.epoll = ends[0];
    show("no epoll", syscall(SYS_kcmp, pid, pid, 7, ends[0], &slot));
    show("bad slot", syscall(SYS_kcmp, pid, pid, 7, ends[0], 16));
    show("undo", syscall(SYS_kcmp, pid, pid, 6, 0, 0));
    show("kind", syscall(SYS_kcmp, pid, pid, 8, 0, 0));
}

static void quotas(void)
{
    int fd = syscall(SYS_memfd_create, "file", 0);
    ok("type", syscall(443, fd, 3, 0, NULL));
    ok("descriptor", syscall(443, 99, 0, 0, NULL));
    ok("none", syscall(443, fd, 0x800007 << 8, 0, NULL));
    ok("path of type", syscall(SYS_quotactl, 3, "/", 0, NULL));
    ok("no device", syscall(SYS_quotactl, 0x800007 << 8, NULL, 0, NULL));
    ok("sync", syscall(SYS_quotactl, 0x800001 << 8, NULL, 0, NULL));
    ok("not a device", syscall(SYS_quotactl, 0x800007 << 8, "/", 0, NULL));
    ok("not there", syscall(SYS_quotactl, 0x800007 << 8, "/nowhere", 0, NULL));
}

static void policy(void)
{
    struct attributes now;
    memset(&now, 0, sizeof now);
    syscall(SYS_sched_getattr, 0, &now, sizeof now, 0);
    printf("policy %d flags %d nice %d priority %d, %x\n", now.policy, (int)now.flags, now.nice,
           now.priority, (int)syscall(SYS_sched_getscheduler, 0));
    fflush(stdout);
}

static void scheduling(void)
{
    struct attributes wanted = {48, SCHED_FIFO, 1, 0, 7, {0}};
    struct sched_param param = {3};
    ok("fifo, reset", syscall(SYS_sched_setattr, 0, &wanted, 0));
    policy();
    pid_t child = fork();
    if (!child) {
        policy();
        _exit(0);
    }
    reap(child);
    ok("set policy", syscall(SYS_sched_setscheduler, 0, SCHED_RR | 0x40000000, &param));
    policy();
    wanted = (struct attributes){48, 0, 8 | 16, 5, 9, {0}};
    ok("keep", syscall(SYS_sched_setattr, 0, &wanted, 0));
    policy();
    wanted = (struct attributes){48, SCHED_OTHER, 1, -5, 0, {0}};
    ok("nice, reset", syscall(SYS_sched_setattr, 0, &wanted, 0));
    policy();
    child = fork();
    if (!child) {
        policy();
        _exit(0);
    }
    reap(child);
    wanted.flags = 1 << 20;
    ok("flags", syscall(SYS_sched_setattr, 0, &wanted, 0));
    wanted.flags = 0, wanted.policy = -1;
    ok("policy", syscall(SYS_sched_setattr, 0, &wanted, 0));
    wanted.policy = 0;
    ok("no reset", syscall(SYS_sched_setattr, 0, &wanted, 0));
    policy();
}

int main(void)
{
    attributes();
    cache();
    comparing();
    quotas();
    scheduling();
    return 0;
}
