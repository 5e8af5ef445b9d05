/* calls with bad pointers: EFAULT; with bad flags: EINVAL */
#include "t.h"

#define BAD ((void *)0x10)
#define TRY(call) ok(#call, (long)(call))

static void *const bad = (void *)0x10;

int main(void)
{
    int p[2], fd = open("f", O_CREAT | O_RDWR, 0600);
    pipe(p);
    write(p[1], "abc", 3);
    write(fd, "abcdef", 6);
    TRY(syscall(SYS_openat, AT_FDCWD, bad, O_RDONLY));
    TRY(syscall(SYS_read, p[0], bad, 3));
    TRY(syscall(SYS_write, p[1], bad, 3));
    TRY(syscall(SYS_pread64, fd, bad, 3, 0));
    TRY(syscall(SYS_pwrite64, fd, bad, 3, 0));
    TRY(syscall(SYS_readv, p[0], bad, 1));
    TRY(syscall(SYS_writev, p[1], bad, 1));
    TRY(syscall(SYS_writev, p[1], bad, 99999));
    TRY(syscall(SYS_pipe2, bad, 0));
    TRY(syscall(SYS_mkdirat, AT_FDCWD, bad, 0755));
    TRY(syscall(SYS_unlinkat, AT_FDCWD, bad, 0));
    TRY(syscall(SYS_symlinkat, bad, AT_FDCWD, "x"));
    TRY(syscall(SYS_linkat, AT_FDCWD, bad, AT_FDCWD, "x", 0));
    TRY(syscall(SYS_chdir, bad));
    TRY(syscall(SYS_getcwd, bad, 1000));
    TRY(syscall(SYS_readlinkat, AT_FDCWD, "/proc/self/exe", bad, 100));
    TRY(syscall(SYS_statfs, "/", bad));
    TRY(syscall(SYS_uname, bad));
    TRY(syscall(SYS_nanosleep, bad, NULL));
    TRY(syscall(SYS_clock_gettime, CLOCK_MONOTONIC, bad));
    TRY(syscall(SYS_gettimeofday, bad, NULL));
    TRY(syscall(SYS_times, bad));
    TRY(syscall(SYS_getrusage, RUSAGE_SELF, bad));
    TRY(syscall(SYS_prlimit64, 0, RLIMIT_NOFILE, NULL, bad));
    TRY(syscall(SYS_rt_sigaction, SIGUSR1, bad, NULL, 8));
    TRY(syscall(SYS_rt_sigprocmask, SIG_BLOCK, bad, NULL, 8));
    TRY(syscall(SYS_rt_sigprocmask, 99, NULL, NULL, 8));
    TRY(syscall(SYS_rt_sigpending, bad, 8));
    TRY(syscall(SYS_sigaltstack, bad, NULL));
    TRY(syscall(SYS_ppoll, bad, 1, NULL, NULL, 8));
    TRY(syscall(SYS_epoll_ctl, epoll_create1(0), EPOLL_CTL_ADD, p[0], bad));
    TRY(syscall(SYS_epoll_create1, 0x40));
    TRY(syscall(SYS_eventfd2, 0, 0x40));
    TRY(syscall(SYS_timerfd_create, CLOCK_MONOTONIC, 0x40));
    TRY(syscall(SYS_signalfd4, -1, bad, 8, 0));
    TRY(syscall(SYS_getgroups, 1000, bad) >= 0 || errno == EFAULT ? 0 : -1);
    TRY(syscall(SYS_sysinfo, bad));
    TRY(syscall(SYS_getdents64, open(".", O_RDONLY), bad, 1000));
    TRY(syscall(SYS_socketpair, AF_UNIX, SOCK_STREAM, 0, bad));
    TRY(syscall(SYS_socket, 999, SOCK_STREAM, 0));
    TRY(syscall(SYS_set_robust_list, bad, 1));
    TRY(syscall(SYS_futex, bad, 0, 0, NULL, NULL, 0));
    TRY(syscall(SYS_getrandom, bad, 10, 0));
    TRY(syscall(SYS_sched_getaffinity, 0, 128, bad));
    TRY(syscall(SYS_utimensat, AT_FDCWD, "f", bad, 0));
    TRY(syscall(SYS_wait4, -1, NULL, 0, NULL));
    TRY(syscall(SYS_openat, AT_FDCWD, "f", O_RDONLY, 0) >= 0 ? 0 : -1);
    TRY(syscall(SYS_dup3, 1, 2, 0x1234));
    TRY(syscall(SYS_unlinkat, AT_FDCWD, "f", 0x1234));
    TRY(syscall(SYS_setitimer, 99, NULL, NULL));
    pid_t pid = fork();
    if (!pid) {
        syscall(SYS_execve, bad, NULL, NULL);
        _exit(errno == EFAULT ? 1 : 2);
    }
    show_status("execve", reap(pid));
    return 0;
}
