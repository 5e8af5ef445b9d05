/* fanotify and io_uring: what a ring opens and reads is told and asked like anything else */
#include "../uring.h"
#include <sys/fanotify.h>

static long one(struct ring *r)
{
    struct io_uring_cqe cqe;
    submit(r, 1);
    return next(r, &cqe) ? cqe.res : -1;
}

static void show_result(const char *what, long result)
{
    if (result < 0)
        printf("%s: %s\n", what, error_name(-result));
    else
        printf("%s: ok\n", what);
    fflush(stdout);
}

static void answer(int fan, unsigned response)
{
    static char data[4096] __attribute__((aligned(8)));
    if (read(fan, data, sizeof data) < 0)
        exit(98);
    struct fanotify_event_metadata *e = (void *)data;
    printf("asked %llx\n", (unsigned long long)e->mask);
    fflush(stdout);
    struct fanotify_response reply = {e->fd, response};
    write(fan, &reply, sizeof reply);
    close(e->fd);
}

static unsigned long long heard(int fan)
{
    static char data[4096] __attribute__((aligned(8)));
    unsigned long long all = 0;
    long n;
    while ((n = read(fan, data, sizeof data)) > 0)
        for (struct fanotify_event_metadata *e = (void *)data; FAN_EVENT_OK(e, n); e = FAN_EVENT_NEXT(e, n)) {
            all |= e->mask;
            close(e->fd);
        }
    return all;
}

int main(void)
{
    alarm(30);
    make_file("file", "text");
    int listener = fanotify_init(FAN_CLASS_NOTIF | FAN_NONBLOCK, O_RDONLY), asker = fanotify_init(FAN_CLASS_CONTENT, O_RDONLY);
    fanotify_mark(listener, FAN_MARK_ADD, FAN_OPEN | FAN_ACCESS | FAN_MODIFY | FAN_CLOSE, AT_FDCWD, "file");
    struct ring r;
    char b[8];
    ok("ring", ring_setup(&r, 8, 0, 0));
    entry(&r, IORING_OP_OPENAT, AT_FDCWD, "file", 0, 0, 1)->open_flags = O_RDWR;
    long fd = one(&r);
    show_result("open", fd);
    printf("heard %llx\n", heard(listener));
    entry(&r, IORING_OP_READ, fd, b, 4, 0, 2);
    show_result("read", one(&r));
    printf("heard %llx\n", heard(listener));
    entry(&r, IORING_OP_WRITE, fd, b, 4, 0, 3);
    show_result("write", one(&r));
    printf("heard %llx\n", heard(listener));
    entry(&r, IORING_OP_CLOSE, fd, NULL, 0, 0, 4);
    show_result("close", one(&r));
    printf("heard %llx\n", heard(listener));
    fflush(stdout);
    fanotify_mark(asker, FAN_MARK_ADD, FAN_OPEN_PERM | FAN_ACCESS_PERM, AT_FDCWD, "file");
    pid_t child = fork();
    if (!child) {
        struct ring own;
        ring_setup(&own, 8, 0, 0);
        entry(&own, IORING_OP_OPENAT, AT_FDCWD, "file", 0, 0, 1)->open_flags = O_RDONLY;
        show_result("open denied", one(&own));
        entry(&own, IORING_OP_OPENAT, AT_FDCWD, "file", 0, 0, 1)->open_flags = O_RDONLY;
        fd = one(&own);
        show_result("open permitted", fd);
        entry(&own, IORING_OP_READ, fd, b, 4, 0, 2);
        show_result("read denied", one(&own));
        entry(&own, IORING_OP_READ, fd, b, 4, 0, 2);
        show_result("read permitted", one(&own));
        _exit(0);
    }
    answer(asker, FAN_DENY);
    answer(asker, FAN_ALLOW);
    answer(asker, FAN_DENY);
    answer(asker, FAN_ALLOW);
    show_status("child", reap(child));
    return 0;
}
