/* fstatfs(2) of what has no place in any file system: pipes, sockets, eventfds. */
#include "t.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/vfs.h>

static void one(const char *name, int fd)
{
    struct statfs s;
    memset(&s, -1, sizeof s);
    show(name, fstatfs(fd, &s));
    printf("%lx: %ld bytes, %ld blocks, %ld free, %ld files, names of %ld\n", (long)s.f_type,
           (long)s.f_bsize, (long)s.f_blocks, (long)s.f_bfree, (long)s.f_files, (long)s.f_namelen);
    close(fd);
}

int main(void)
{
    int ends[2];
    pipe(ends);
    one("pipe", ends[0]);
    one("its other end", ends[1]);
    one("socket", socket(AF_UNIX, SOCK_STREAM, 0));
    one("eventfd", eventfd(0, 0));
    one("epoll", epoll_create(1));
    show("closed", fstatfs(ends[0], 0));
    return 0;
}
