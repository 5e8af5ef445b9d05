/* every call with bad descriptors: EBADF */
#include "t.h"

#include <sys/xattr.h>

#define BAD(call) ok(#call, (long)(call))

int main(void)
{
    char b[100];
    struct stat st;
    struct statfs fs;
    struct iovec v = {b, 10};
    struct timespec t[2] = {{0}};
    struct epoll_event e = {0};
    struct itimerspec it = {0};
    socklen_t length = 10;
    int one = 1;
    for (int fd = -1; fd <= 777; fd += 778) {
        printf("descriptor %d\n", fd);
        BAD(read(fd, b, 1));
        BAD(write(fd, b, 1));
        BAD(pread(fd, b, 1, 0));
        BAD(pwrite(fd, b, 1, 0));
        BAD(readv(fd, &v, 1));
        BAD(writev(fd, &v, 1));
        BAD(preadv(fd, &v, 1, 0));
        BAD(pwritev(fd, &v, 1, 0));
        BAD(close(fd));
        BAD(dup(fd));
        BAD(dup2(fd, 20));
        BAD(fcntl(fd, F_GETFL));
        BAD(ioctl(fd, FIONREAD, &one));
        BAD(lseek(fd, 0, SEEK_SET));
        BAD(ftruncate(fd, 0));
        BAD(fallocate(fd, 0, 0, 10));
        BAD(fsync(fd));
        BAD(fdatasync(fd));
        BAD(fchmod(fd, 0644));
        BAD(fchown(fd, 0, 0));
        BAD(fchdir(fd));
        BAD(fstat(fd, &st));
        BAD(fstatfs(fd, &fs));
        BAD(futimens(fd, t));
        BAD(flock(fd, LOCK_SH));
        BAD(openat(fd, "x", O_RDONLY));
        BAD(mkdirat(fd, "x", 0755));
        BAD(unlinkat(fd, "x", 0));
        BAD(symlinkat("x", fd, "y"));
        BAD(readlinkat(fd, "x", b, 10));
        BAD(faccessat(fd, "x", R_OK, 0));
        BAD(fchmodat(fd, "x", 0644, 0));
        BAD(fchownat(fd, "x", 0, 0, 0));
        BAD(renameat(fd, "x", fd, "y"));
        BAD(linkat(fd, "x", fd, "y", 0));
        BAD(fstatat(fd, "x", &st, 0));
        BAD(syscall(SYS_getdents64, fd, b, 100));
        BAD(sendfile(fd, fd, NULL, 1));
        BAD(splice(fd, NULL, fd, NULL, 1, 0));
        BAD(tee(fd, fd, 1, 0));
        BAD(copy_file_range(fd, NULL, fd, NULL, 1, 0));
        BAD(epoll_ctl(fd, EPOLL_CTL_ADD, 0, &e));
        BAD(epoll_wait(fd, &e, 1, 0));
        BAD(timerfd_settime(fd, 0, &it, NULL));
        BAD(timerfd_gettime(fd, &it));
        BAD(getsockname(fd, (struct sockaddr *)b, &length));
        BAD(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, 4));
        BAD(send(fd, b, 1, 0));
        BAD(recv(fd, b, 1, 0));
        BAD(shutdown(fd, SHUT_RD));
        BAD(fgetxattr(fd, "user.x", b, 10));
    }
    return 0;
}
