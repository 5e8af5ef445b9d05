/* Calls that look alike on every architecture, for a comparison with strace(1). */
#define _GNU_SOURCE
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define call(name, ...) syscall(SYS_##name, __VA_ARGS__)

int main(void)
{
    static char buf[300], text[] = "tab\there, \"quoted\", \001\0017 \377 end, and much more text";
    static struct stat st;
    int fd[2], n;

    call(getpriority, 0, 4242); /* the first line that is compared */
    n = call(openat, AT_FDCWD, "/tmp/trace-calls", O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0640);
    call(write, n, text, sizeof text);
    call(write, n, text, 0);
    call(pwrite64, n, "abc", 3, 7);
    call(lseek, n, -5L, SEEK_END);
    call(read, n, buf, 100);
    call(pread64, n, buf, 20, 0);
    call(fstat, n, &st);
    call(ftruncate, n, 100);
    call(fcntl, n, F_GETFD);
    call(fcntl, n, F_SETFL, O_NONBLOCK | O_APPEND);
    call(fcntl, n, F_DUPFD_CLOEXEC, 20);
    struct flock lock = {F_WRLCK, SEEK_SET, 10, 20, 0};
    call(fcntl, n, F_SETLK, &lock);
    call(flock, n, LOCK_EX | LOCK_NB);
    call(fallocate, n, FALLOC_FL_KEEP_SIZE, 0, 4096);
    struct iovec v[2] = {{"one", 3}, {"\ntwo", 4}};
    call(writev, n, v, 2);
    call(close, n);
    call(close, n);
    call(openat, AT_FDCWD, "/no/such", O_RDONLY | O_DIRECTORY);
    call(openat, AT_FDCWD, 0, O_WRONLY);
    call(newfstatat, AT_FDCWD, "/tmp/trace-calls", &st, AT_SYMLINK_NOFOLLOW);
    call(newfstatat, AT_FDCWD, "/no/such", &st, 0);
    call(faccessat, AT_FDCWD, "/tmp", R_OK | X_OK);
    call(mkdirat, AT_FDCWD, "/tmp/trace-calls", 0755);
    call(readlinkat, AT_FDCWD, "/proc/self/nothing", buf, 10);
    call(unlinkat, AT_FDCWD, "/tmp/trace-calls", 0);
    call(renameat2, AT_FDCWD, "/no/a", AT_FDCWD, "/no/b", 1);
    call(pipe2, fd, O_CLOEXEC);
    struct pollfd p[2] = {{fd[0], POLLIN, 0}, {fd[1], POLLOUT | POLLRDBAND, 0}};
    struct timespec zero = {0, 0}, bad = {-1, 0};
    call(ppoll, p, 2, 0, 0, 8);
    call(ppoll, p, 1, &zero, 0, 8);
    n = call(epoll_create1, EPOLL_CLOEXEC);
    struct epoll_event e = {EPOLLIN | EPOLLET, {.u64 = 0x123456789}};
    call(epoll_ctl, n, EPOLL_CTL_ADD, fd[0], &e);
    call(epoll_ctl, n, EPOLL_CTL_DEL, fd[1], 0);
    call(eventfd2, 3, EFD_NONBLOCK | EFD_SEMAPHORE);
    call(timerfd_create, CLOCK_MONOTONIC, TFD_NONBLOCK);
    call(nanosleep, &bad, 0);
    call(nanosleep, &zero, 0);
    call(clock_nanosleep, CLOCK_MONOTONIC, TIMER_ABSTIME, &zero, 0);
    unsigned long long set = 1ULL << (SIGINT - 1) | 1ULL << (SIGUSR1 - 1);
    call(rt_sigprocmask, SIG_BLOCK, &set, 0, 8);
    call(rt_sigprocmask, SIG_SETMASK, 0, &set, 8);
    call(rt_sigpending, &set, 8);
    call(kill, -12345, SIGTERM);
    call(tgkill, 1 << 22, 1 << 22, 0);
    struct rlimit limit = {64, 2 << 10};
    call(prlimit64, 0, RLIMIT_NOFILE, &limit, 0);
    call(getrusage, 77, &limit);
    call(socketpair, AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fd);
    call(sendto, fd[0], "hello", 5, MSG_NOSIGNAL | MSG_DONTWAIT, 0, 0);
    call(recvfrom, fd[1], buf, 100, MSG_PEEK, 0, 0);
    call(shutdown, fd[0], SHUT_WR);
    n = 0;
    socklen_t size = sizeof n;
    call(getsockopt, fd[0], SOL_SOCKET, SO_TYPE, &n, &size);
    call(mmap, 0, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    call(mmap, 0, 0, PROT_NONE, MAP_SHARED, -1, 0);
    call(madvise, 0, 4096, MADV_DONTNEED);
    call(umask, 022);
    call(umask, 077);
    call(setpgid, -1, 0);
    call(ioctl, 99, TIOCGWINSZ, buf);
    call(ioctl, 99, FIONREAD, buf);
    struct itimerval iv = {{0, 0}, {0, 0}};
    call(setitimer, ITIMER_REAL, &iv, 0);
    unsigned word = 1;
    call(futex, &word, 0 | 128, 2, 0, 0, 0);
    call(futex, &word, 1, 10, 0, 0, 0);
    call(futex, &word, 9 | 128, 2, 0, 0, -1);
    call(wait4, -1, 0, WNOHANG, 0);
    call(exit_group, 5);
}
