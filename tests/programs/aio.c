/* io_setup, io_submit, io_getevents, io_cancel: transfers, polls, limits, and errors in their order */
#include "t.h"

#include <linux/aio_abi.h>

static aio_context_t context;

static struct iocb request(int operation, int fd, void *buffer, size_t size, long offset)
{
    return (struct iocb){.aio_data = 77, .aio_lio_opcode = operation, .aio_fildes = fd,
                         .aio_buf = (uintptr_t)buffer, .aio_nbytes = size, .aio_offset = offset};
}

static long submit(struct iocb *one)
{
    return syscall(SYS_io_submit, context, 1, &one);
}

static long fetch(long least, long most, struct io_event *events, long ms)
{
    struct timespec time = {ms / 1000, ms % 1000 * 1000000};
    return syscall(SYS_io_getevents, context, least, most, events, ms < 0 ? NULL : &time);
}

static void result(const char *what, struct iocb *one)
{
    struct io_event event = {0};
    if (submit(one) != 1 || fetch(1, 1, &event, -1) != 1)
        show(what, -1);
    else
        printf("%s: %ld, data %d, ours %d\n", what, (long)event.res, (int)event.data,
               event.obj == (uintptr_t)one);
}

static void transfers(void)
{
    char text[16] = "", more[16] = "";
    make_file("file", "");
    int fd = open("file", O_RDWR), only_read = open("file", O_RDONLY), ends[2];
    struct iovec pieces[2] = {{text, 2}, {more, 3}};
    struct iocb w = request(IOCB_CMD_PWRITE, fd, "0123456789", 10, 5);
    struct iocb r = request(IOCB_CMD_PREAD, fd, text, 4, 7);
    struct iocb v = request(IOCB_CMD_PREADV, fd, pieces, 2, 5);
    struct iocb s = request(IOCB_CMD_FSYNC, fd, NULL, 0, 0);
    result("write", &w);
    result("read", &r);
    printf("%s\n", text);
    result("pieces", &v);
    printf("%.2s %.3s\n", text, more);
    result("sync", &s);
    r = request(IOCB_CMD_PREAD, fd, text, 4, 100);
    result("at the end", &r);
    r = request(IOCB_CMD_PREAD, fd, text, 4, -1);
    ok("before the start", submit(&r));
    pipe(ends);
    w = request(IOCB_CMD_PWRITE, ends[1], "pipe", 4, 0);
    r = request(IOCB_CMD_PREAD, ends[0], text, 16, 0);
    result("into a pipe", &w);
    result("from a pipe", &r);
    printf("%.4s\n", text);
    r = request(IOCB_CMD_PREAD, ends[1], text, 4, 0);
    ok("read what is for writing", submit(&r));
    w = request(IOCB_CMD_PWRITE, only_read, text, 4, 0);
    ok("write what is for reading", submit(&w));
    r = request(IOCB_CMD_PREAD, 99, text, 4, 0);
    ok("no file", submit(&r));
    r = request(99, fd, text, 4, 0);
    ok("no operation", submit(&r));
    v = request(IOCB_CMD_PREADV, fd, (void *)8, 2, 0);
    ok("bad vector", submit(&v));
    struct iocb *two[2] = {&s, &r};
    s = request(IOCB_CMD_FDSYNC, fd, NULL, 0, 0);
    show("the second is bad", syscall(SYS_io_submit, context, 2, two));
    struct io_event event;
    show("one", fetch(1, 1, &event, -1));
    show("bad pointers", syscall(SYS_io_submit, context, 2, (void *)8));
    show("bad request", submit((void *)8));
    show("less than none", syscall(SYS_io_submit, context, -1L, two));
    show("none", syscall(SYS_io_submit, context, 0, NULL));
    show("no context", syscall(SYS_io_submit, 12345, 1, two));
    unlink("file");
}

static void polls(void)
{
    int ends[2], counter = eventfd(0, 0);
    uint64_t count = 0;
    struct io_event events[4];
    pipe(ends);
    struct iocb p = request(IOCB_CMD_POLL, ends[0], NULL, 0, 0);
    p.aio_buf = POLLIN;
    p.aio_flags = IOCB_FLAG_RESFD;
    p.aio_resfd = counter;
    show("poll", submit(&p));
    show("not yet", fetch(1, 1, events, 20));
    write(ends[1], "x", 1);
    show("ready", fetch(1, 4, events, -1));
    printf("to be read %ld\n", (long)events[0].res & POLLIN);
    show("told", read(counter, &count, 8));
    printf("count %d\n", (int)count);
    read(ends[0], &count, 1);
    show("poll", submit(&p));
    show("cancel another's", syscall(SYS_io_cancel, context, (char *)&p + 64, events));
    show("cancel", syscall(SYS_io_cancel, context, &p, events));
    show("cancelled", fetch(1, 4, events, -1));
    printf("result %ld\n", (long)events[0].res);
    p.aio_nbytes = 1;
    show("with a size", submit(&p));
    p = request(IOCB_CMD_POLL, ends[0], (void *)POLLIN, 0, 0);
    show("again", submit(&p));
    close(ends[1]);
    show("hung up", fetch(1, 1, events, -1));
    printf("hung up %d\n", (int)(events[0].res & POLLHUP) != 0);
    p.aio_flags = IOCB_FLAG_RESFD;
    p.aio_resfd = ends[0];
    show("tell a pipe", submit(&p));
    p.aio_resfd = 99;
    show("tell nobody", submit(&p));
}

static void rings(void)
{
    struct io_event events[4];
    aio_context_t other = 0, used = 1;
    show("no room", syscall(SYS_io_setup, 0, &other));
    show("far too much", syscall(SYS_io_setup, 0x7fffffff, &other));
    show("in use", syscall(SYS_io_setup, 1, &used));
    show("nowhere", syscall(SYS_io_setup, 1, (void *)8));
    show("more than there are", fetch(3, 2, events, 0));
    show("less than none", fetch(-1, 2, events, 0));
    struct timespec bad = {0, 2000000000};
    show("bad time", syscall(SYS_io_getevents, context, 0, 1, events, &bad));
    show("bad time where", syscall(SYS_io_getevents, context, 0, 1, events, (void *)8));
    int ends[2];
    pipe(ends);
    struct iocb w = request(IOCB_CMD_PWRITE, ends[1], "x", 1, 0);
    submit(&w);
    show("bad events", fetch(1, 1, (void *)8, -1));
    show("the event is still there", fetch(1, 1, events, -1));
    fflush(stdout);
    pid_t child = fork();
    if (!child) {
        show("a child has no context", fetch(0, 1, events, 0));
        _exit(0);
    }
    reap(child);
    show("destroy", syscall(SYS_io_destroy, context));
    show("destroy again", syscall(SYS_io_destroy, context));
}

int main(void)
{
    show("setup", syscall(SYS_io_setup, 8, &context));
    transfers();
    polls();
    rings();
    return 0;
}
