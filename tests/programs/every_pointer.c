/* every pointer of every call, one at a time bad while the rest is good: what the system says */
#include "t.h"
#include <linux/futex.h>
#include <sys/sem.h>
#include <sys/shm.h>

#define TRY(name, ...) ok(#name "(" #__VA_ARGS__ ")", syscall(SYS_##name, __VA_ARGS__))

static void *const bad = (void *)0x10;

static void times(void)
{
    struct timespec zero = {0, 0};
    struct itimerspec off = {0};
    struct itimerval none = {0};
    int timer = 0, clock = timerfd_create(CLOCK_MONOTONIC, 0);
    TRY(clock_getres, CLOCK_MONOTONIC, bad);
    TRY(clock_settime, CLOCK_MONOTONIC, bad);
    TRY(clock_nanosleep, CLOCK_MONOTONIC, 0, bad, NULL);
    TRY(clock_nanosleep, CLOCK_MONOTONIC, 0, &zero, bad);
    TRY(nanosleep, &zero, bad);
    TRY(gettimeofday, NULL, bad);
    TRY(getitimer, ITIMER_REAL, bad);
    TRY(setitimer, ITIMER_REAL, bad, NULL);
    TRY(setitimer, ITIMER_REAL, &none, bad);
    TRY(timer_create, CLOCK_MONOTONIC, bad, &timer);
    TRY(timer_create, CLOCK_MONOTONIC, NULL, bad);
    TRY(timer_create, CLOCK_MONOTONIC, NULL, &timer);
    TRY(timer_gettime, timer, bad);
    TRY(timer_settime, timer, 0, bad, NULL);
    TRY(timer_settime, timer, 0, &off, bad);
    TRY(timerfd_gettime, clock, bad);
    TRY(timerfd_settime, clock, 0, bad, NULL);
    TRY(timerfd_settime, clock, 0, &off, bad);
    TRY(adjtimex, bad);
    TRY(clock_adjtime, CLOCK_REALTIME, bad);
    TRY(sched_rr_get_interval, 0, bad);
}

static void identities(void)
{
    int id;
    TRY(getresuid, bad, &id, &id);
    TRY(getresuid, &id, bad, &id);
    TRY(getresuid, &id, &id, bad);
    TRY(getresgid, bad, &id, &id);
    TRY(getresgid, &id, bad, &id);
    TRY(getresgid, &id, &id, bad);
    TRY(capget, bad, NULL);
    TRY(capset, bad, NULL);
    TRY(getcpu, bad, NULL, NULL);
    TRY(getcpu, NULL, bad, NULL);
    TRY(getrlimit, RLIMIT_NOFILE, bad);
    TRY(setrlimit, RLIMIT_NOFILE, bad);
    TRY(prlimit64, 0, RLIMIT_NOFILE, bad, NULL);
    TRY(sched_getparam, 0, bad);
    TRY(sched_setparam, 0, bad);
    TRY(sched_setscheduler, 0, SCHED_OTHER, bad);
    TRY(sched_setaffinity, 0, 8, bad);
    TRY(sched_getattr, 0, bad, 48, 0);
    TRY(sched_setattr, 0, bad, 0);
    TRY(get_robust_list, 0, bad, &id);
    TRY(settimeofday, bad, NULL);
}

static void paths(void)
{
    char name[16];
    struct stat st;
    TRY(chroot, bad);
    TRY(faccessat, AT_FDCWD, bad, R_OK);
    TRY(fchmodat, AT_FDCWD, bad, 0600);
    TRY(fchownat, AT_FDCWD, bad, 0, 0, 0);
    TRY(newfstatat, AT_FDCWD, bad, &st, 0);
    TRY(newfstatat, AT_FDCWD, "f", bad, 0);
    TRY(statx, AT_FDCWD, bad, 0, 0x7ff, name);
    TRY(statx, AT_FDCWD, "f", 0, 0x7ff, bad);
    TRY(mknodat, AT_FDCWD, bad, S_IFREG | 0600, 0);
    TRY(symlinkat, "x", AT_FDCWD, bad);
    TRY(linkat, AT_FDCWD, "f", AT_FDCWD, bad, 0);
    TRY(renameat2, AT_FDCWD, bad, AT_FDCWD, "g", 0);
    TRY(renameat2, AT_FDCWD, "f", AT_FDCWD, bad, 0);
    TRY(readlinkat, AT_FDCWD, bad, name, 16);
    TRY(truncate, bad, 0);
    TRY(statfs, bad, name);
    TRY(utimensat, AT_FDCWD, bad, NULL, 0);
    TRY(umount2, bad, 0);
    TRY(memfd_create, bad, 0);
    TRY(openat2, AT_FDCWD, bad, name, 24);
    TRY(openat2, AT_FDCWD, "f", bad, 24);
    TRY(execve, "f", bad, NULL);
    TRY(name_to_handle_at, AT_FDCWD, bad, name, name, 0);
    TRY(pivot_root, bad, ".");
    TRY(pivot_root, ".", bad);
}

static void files(int fd)
{
    long where = 0;
    int pipes[2], more[2];
    struct iovec good = {&where, 1}, evil = {bad, 1};
    pipe(pipes);
    pipe(more);
    write(pipes[1], "abc", 3);
    TRY(fstat, fd, bad);
    TRY(fstatfs, fd, bad);
    TRY(preadv, fd, bad, 1, 0, 0);
    TRY(preadv, fd, &evil, 1, 0, 0);
    TRY(preadv2, fd, bad, 1, 0, 0, 0);
    TRY(pwritev, fd, bad, 1, 0, 0);
    TRY(pwritev, fd, &evil, 1, 0, 0);
    TRY(pwritev2, fd, bad, 1, 0, 0, 0);
    TRY(readv, pipes[0], &evil, 1);
    TRY(writev, pipes[1], &evil, 1);
    TRY(vmsplice, pipes[1], bad, 1, 0);
    TRY(vmsplice, pipes[1], &good, 1, 0);
    TRY(splice, fd, bad, more[1], NULL, 1, 0);
    TRY(splice, pipes[0], NULL, fd, bad, 1, 0);
    TRY(sendfile, more[1], fd, bad, 1);
    TRY(copy_file_range, fd, bad, fd, &where, 1, 0);
    TRY(fgetxattr, fd, bad, &where, 8);
    TRY(fsetxattr, fd, bad, &where, 8, 0);
    TRY(fsetxattr, fd, "user.x", bad, 8, 0);
    TRY(fremovexattr, fd, bad);
    TRY(getxattr, bad, "user.x", &where, 8);
    TRY(getxattr, "f", bad, &where, 8);
    TRY(lgetxattr, bad, "user.x", &where, 8);
    TRY(setxattr, bad, "user.x", &where, 8, 0);
    TRY(setxattr, "f", "user.x", bad, 8, 0);
    TRY(lsetxattr, "f", bad, &where, 8, 0);
    TRY(removexattr, "f", bad);
    TRY(lremovexattr, bad, "user.x");
    TRY(listxattr, bad, &where, 8);
    TRY(llistxattr, bad, &where, 8);
}

static void waiting(int fd)
{
    struct timespec zero = {0, 0};
    struct epoll_event event;
    struct pollfd one = {fd, POLLIN, 0};
    unsigned long set[16] = {0};
    int poller = epoll_create1(0);
    event.events = EPOLLIN;
    pipe((int *)set);
    epoll_ctl(poller, EPOLL_CTL_ADD, ((int *)set)[1], &(struct epoll_event){.events = EPOLLOUT});
    memset(set, 0, sizeof set);
    TRY(epoll_pwait, poller, bad, 1, 0, NULL, 8);
    TRY(epoll_pwait, poller, &event, 1, 0, bad, 8);
    TRY(epoll_pwait2, poller, bad, 1, &zero, NULL, 8);
    TRY(epoll_pwait2, poller, &event, 1, bad, NULL, 8);
    TRY(ppoll, &one, 1, bad, NULL, 8);
    TRY(ppoll, &one, 1, &zero, bad, 8);
    TRY(pselect6, 1, bad, NULL, NULL, &zero, NULL);
    TRY(pselect6, 1, NULL, bad, NULL, &zero, NULL);
    TRY(pselect6, 1, NULL, NULL, bad, &zero, NULL);
    TRY(pselect6, 1, NULL, NULL, NULL, bad, NULL);
    TRY(pselect6, 1, NULL, NULL, NULL, &zero, bad);
    TRY(futex, &set[0], FUTEX_WAIT, 0, bad, NULL, 0);
    TRY(futex, bad, FUTEX_WAKE, 1, NULL, NULL, 0);
    TRY(futex, &set[0], FUTEX_CMP_REQUEUE, 0, 0, bad, 0);
    TRY(futex, bad, FUTEX_WAKE_OP, 0, 0, &set[0], 0);
#ifdef SYS_futex_waitv
    TRY(futex_waitv, bad, 1, 0, NULL, CLOCK_MONOTONIC);
#endif
}

static void signals(void)
{
    unsigned long set = 0;
    struct timespec zero = {0, 0};
    int handle = syscall(SYS_pidfd_open, getpid(), 0);
    TRY(rt_sigaction, SIGUSR1, NULL, bad, 8);
    TRY(rt_sigprocmask, SIG_BLOCK, NULL, bad, 8);
    TRY(rt_sigsuspend, bad, 8);
    TRY(rt_sigtimedwait, bad, NULL, &zero, 8);
    TRY(rt_sigtimedwait, &set, NULL, bad, 8);
    TRY(rt_sigqueueinfo, getpid(), SIGUSR1, bad);
    TRY(rt_tgsigqueueinfo, getpid(), getpid(), SIGUSR1, bad);
    TRY(pidfd_send_signal, handle, 0, bad, 0);
    TRY(sigaltstack, NULL, bad);
    TRY(signalfd4, -1, bad, 8, 0);
    pid_t child = fork();
    if (!child)
        _exit(3);
    TRY(waitid, P_PID, child, bad, WEXITED | WNOWAIT, NULL);
    TRY(waitid, P_PID, child, NULL, WEXITED | WNOWAIT, bad);
    ok("wait4 status", syscall(SYS_wait4, child, bad, 0, NULL));
    ok("wait4 again", syscall(SYS_wait4, child, NULL, 0, NULL));
    child = fork();
    if (!child)
        _exit(3);
    ok("wait4 usage", syscall(SYS_wait4, child, NULL, 0, bad));
}

static void sockets(void)
{
    int pair[2], size = 4;
    struct msghdr message = {0};
    socketpair(AF_UNIX, SOCK_STREAM, 0, pair);
    write(pair[1], "abc", 3);
    TRY(getsockname, pair[0], bad, &size);
    TRY(getsockname, pair[0], &message, bad);
    TRY(getpeername, pair[0], bad, &size);
    TRY(getpeername, pair[0], &message, bad);
    TRY(getsockopt, pair[0], SOL_SOCKET, SO_TYPE, bad, &size);
    TRY(getsockopt, pair[0], SOL_SOCKET, SO_TYPE, &message, bad);
    TRY(setsockopt, pair[0], SOL_SOCKET, SO_SNDBUF, bad, 4);
    TRY(recvfrom, pair[0], bad, 1, 0, NULL, NULL);
    TRY(recvmsg, pair[0], bad, 0);
    TRY(sendto, pair[0], bad, 1, 0, NULL, 0);
    TRY(sendmsg, pair[0], bad, 0);
}

static void memory(void)
{
    char *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    int segment = shmget(IPC_PRIVATE, 4096, 0600);
    TRY(mincore, page, 4096, bad);
    TRY(mincore, bad, 4096, page);
    TRY(madvise, bad, 4096, MADV_NORMAL);
    TRY(mlock, (void *)0x1000, 4096);
    TRY(munlock, (void *)0x1000, 4096);
    TRY(mprotect, (void *)0x1000, 4096, PROT_READ);
    TRY(msync, (void *)0x1000, 4096, MS_ASYNC);
    TRY(mremap, (void *)0x1000, 4096, 8192, MREMAP_MAYMOVE);
    TRY(munmap, (void *)0x1000, 4096);
    TRY(munmap, bad, 4096);
    TRY(shmctl, segment, IPC_STAT, bad);
    TRY(shmctl, segment, IPC_SET, bad);
    TRY(shmat, segment, bad, 0);
    TRY(shmdt, bad);
    TRY(shmctl, segment, IPC_RMID, NULL);
}

int main(void)
{
    int fd = open("f", O_CREAT | O_RDWR, 0600);
    write(fd, "abcdef", 6);
    times();
    identities();
    paths();
    files(fd);
    waiting(fd);
    signals();
    sockets();
    memory();
    return 0;
}
