/* fsync(2), fdatasync(2), sync_file_range(2), syncfs(2): which files they take. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

static void try(const char *name, int fd)
{
    printf("%s:", name);
    printf(" %d", fsync(fd) ? -errno : 0);
    printf(" %d", fdatasync(fd) ? -errno : 0);
    printf(" %d", sync_file_range(fd, 0, 0, 0) ? -errno : 0);
    printf(" %d\n", syncfs(fd) ? -errno : 0);
}

int main(void)
{
    int pair[2];
    pipe(pair);
    try("pipe", pair[0]);
    socketpair(AF_UNIX, SOCK_STREAM, 0, pair);
    try("socket", pair[0]);
    try("null", open("/dev/null", O_RDWR));
    try("zero", open("/dev/zero", O_RDWR));
    try("terminal", open("/dev/ptmx", O_RDWR | O_NOCTTY));
    try("proc", open("/proc/loadavg", O_RDONLY));
    try("folder", open("/tmp", O_RDONLY));
    try("file", open("/tmp", O_RDWR | O_TMPFILE, 0600));
    try("memfd", memfd_create("x", 0));
    try("epoll", epoll_create1(0));
    try("eventfd", eventfd(0, 0));
    try("path", open("/tmp", O_PATH));
    try("closed", 99);
    return 0;
}
