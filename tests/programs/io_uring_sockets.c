/* io_uring: sockets, provided buffers, registered files and buffers, other rings. */
#include "uring.h"

#include <sys/inotify.h>

static struct io_uring_buf_reg group;

/* A ring of buffers that the kernel allocates; its entries are provided at once. */
static struct io_uring_buf_ring *buffer_ring(struct ring *r, int bgid, char *memory, int count,
                                             int size, int flags)
{
    memset(&group, 0, sizeof group);
    group.ring_entries = count;
    group.bgid = bgid;
    group.flags = IOU_PBUF_RING_MMAP | flags;
    if (ok("buffer ring", reg(r, IORING_REGISTER_PBUF_RING, &group, 1)) < 0)
        exit(1);
    struct io_uring_buf_ring *br =
        mmap(NULL, count * sizeof(struct io_uring_buf), PROT_READ | PROT_WRITE,
             MAP_SHARED | MAP_POPULATE, r->fd,
             IORING_OFF_PBUF_RING | (uint64_t)bgid << IORING_OFF_PBUF_SHIFT);
    if (br == MAP_FAILED)
        exit(1);
    for (int i = 0; i < count; i++) {
        br->bufs[i].addr = (uintptr_t)(memory + i * size);
        br->bufs[i].len = size;
        br->bufs[i].bid = i;
    }
    __atomic_store_n(&br->tail, count, __ATOMIC_RELEASE);
    return br;
}

static void messages(struct ring *r)
{
    int pair[2];
    char buf[32] = "";
    ok("socketpair", socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
    entry(r, IORING_OP_RECV, pair[0], buf, 10, 0, 1);
    expect(r, "nothing there", 0);
    entry(r, IORING_OP_SEND, pair[1], "hello", 5, 0, 2);
    expect(r, "send and receive", 2);
    puts(buf);
    entry(r, IORING_OP_RECV, pair[0], buf, 10, 0, 1)->msg_flags = MSG_WAITALL;
    entry(r, IORING_OP_SEND, pair[1], "12345", 5, 0, 2);
    expect(r, "half of it", 1);
    entry(r, IORING_OP_SEND, pair[1], "67890", 5, 0, 2);
    expect(r, "all of it", 2);
    entry(r, IORING_OP_RECV, pair[0], buf, 10, 0, 1)->msg_flags = MSG_DONTWAIT;
    expect(r, "does not wait", 1);
    ok("nonblocking", fcntl(pair[0], F_SETFL, O_NONBLOCK));
    entry(r, IORING_OP_RECV, pair[0], buf, 10, 0, 1);
    expect(r, "waits all the same", 0);
    struct iovec vec = {"abc", 3};
    struct msghdr msg = {.msg_iov = &vec, .msg_iovlen = 1};
    entry(r, IORING_OP_SENDMSG, pair[1], &msg, 1, 0, 2);
    expect(r, "sendmsg", 2);
    struct iovec in = {buf, 2};
    struct msghdr got = {.msg_iov = &in, .msg_iovlen = 1};
    entry(r, IORING_OP_SENDMSG, pair[1], &msg, 1, 0, 2);
    entry(r, IORING_OP_RECVMSG, pair[0], &got, 1, 0, 1);
    expect(r, "recvmsg", 2);
    entry(r, IORING_OP_RECVMSG, pair[0], (void *)8, 1, 0, 1);
    expect(r, "bad pointer", 1);
    entry(r, IORING_OP_RECV, STDOUT_FILENO, buf, 10, 0, 1);
    entry(r, IORING_OP_RECV, pair[0], buf, 10, 5, 2);
    expect(r, "no socket, no offset", 2);
    entry(r, IORING_OP_SEND_ZC, pair[1], "x", 1, 0, 1);
    expect(r, "without a copy", 2);
    entry(r, IORING_OP_SHUTDOWN, pair[1], NULL, SHUT_WR, 0, 1);
    expect(r, "shutdown", 1);
    entry(r, IORING_OP_RECV, pair[0], buf, 10, 0, 1);
    expect(r, "rest", 1);
    entry(r, IORING_OP_RECV, pair[0], buf, 10, 0, 1);
    expect(r, "end", 1);
    entry(r, IORING_OP_SEND, pair[1], "x", 1, 0, 1);
    expect(r, "broken", 1);
    close(pair[0]);
    close(pair[1]);
}

static void connections(struct ring *r)
{
    struct sockaddr_un name = {AF_UNIX, "listener"}, other = {AF_UNIX, "nobody"};
    struct io_uring_cqe cqe;
    entry(r, IORING_OP_SOCKET, AF_UNIX, NULL, 0, SOCK_STREAM, 1);
    submit(r, 1);
    next(r, &cqe);
    int server = cqe.res;
    yes("socket", server > 2);
    entry(r, IORING_OP_SOCKET, AF_UNIX, NULL, 99, SOCK_STREAM, 1);
    expect(r, "bad protocol", 1);
    entry(r, IORING_OP_BIND, server, &name, 0, sizeof name, 1);
    expect(r, "bind", 1);
    entry(r, IORING_OP_LISTEN, server, NULL, 4, 0, 1);
    expect(r, "listen", 1);
    entry(r, IORING_OP_ACCEPT, server, NULL, 0, 0, 1);
    expect(r, "nobody came", 0);
    int client = socket(AF_UNIX, SOCK_STREAM, 0);
    entry(r, IORING_OP_CONNECT, client, &other, 0, sizeof other, 2);
    expect(r, "nobody listens", 1);
    entry(r, IORING_OP_CONNECT, client, &name, 0, sizeof name, 2);
    submit(r, 2);
    int accepted = -1;
    while (next(r, &cqe))
        if (cqe.user_data == 1)
            accepted = cqe.res;
        else
            tell("connect", &cqe);
    yes("accepted", accepted > 2);
    ok("write", write(client, "hi", 2));
    close(accepted);
    close(client);
    entry(r, IORING_OP_ACCEPT, server, NULL, 0, 0, 1)->ioprio = IORING_ACCEPT_MULTISHOT;
    expect(r, "many", 0);
    for (int i = 0; i < 3; i++) {
        client = socket(AF_UNIX, SOCK_STREAM, 0);
        ok("connect", connect(client, (struct sockaddr *)&name, sizeof name));
        submit(r, 1);
        while (next(r, &cqe)) {
            yes("one more", cqe.res > 2 && cqe.flags & IORING_CQE_F_MORE);
            close(cqe.res);
        }
        close(client);
    }
    entry(r, IORING_OP_ASYNC_CANCEL, server, NULL, 0, 0, 2)->cancel_flags = IORING_ASYNC_CANCEL_FD;
    expect(r, "no more", 2);
    close(server);
}

static void provided(struct ring *r)
{
    static char memory[4][8];
    int ends[2];
    ok("pipe", pipe(ends));
    ok("write", write(ends[1], "0123456789", 10));
    entry(r, IORING_OP_READ, ends[0], NULL, 8, 0, 1)->flags = IOSQE_BUFFER_SELECT;
    expect(r, "no group", 1);
    struct io_uring_sqe *sqe = entry(r, IORING_OP_PROVIDE_BUFFERS, 3, memory, 8, 5, 1);
    sqe->buf_group = 0;
    expect(r, "provide", 1);
    for (int i = 0; i < 2; i++) {
        entry(r, IORING_OP_READ, ends[0], NULL, 6, 0, 1)->flags = IOSQE_BUFFER_SELECT;
        expect(r, "chosen", 1);
    }
    printf("%.6s %.4s\n", memory[0], memory[1]);
    entry(r, IORING_OP_REMOVE_BUFFERS, 9, NULL, 0, 0, 1);
    entry(r, IORING_OP_REMOVE_BUFFERS, 9, NULL, 0, 0, 2)->buf_group = 77;
    expect(r, "remove", 2);
    entry(r, IORING_OP_READ, ends[0], NULL, 6, 0, 1)->flags = IOSQE_BUFFER_SELECT;
    expect(r, "none left", 1);
    entry(r, IORING_OP_WRITE, ends[1], memory, 6, 0, 1)->flags = IOSQE_BUFFER_SELECT;
    expect(r, "not to write", 1);
    close(ends[0]);
    close(ends[1]);
}

static void buffer_rings(struct ring *r)
{
    static char memory[4][8];
    int pair[2];
    buffer_ring(r, 3, memory[0], 4, 8, 0);
    show("again", reg(r, IORING_REGISTER_PBUF_RING, &group, 1));
    ok("socketpair", socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
    struct io_uring_sqe *sqe = entry(r, IORING_OP_RECV, pair[0], NULL, 0, 0, 1);
    sqe->flags = IOSQE_BUFFER_SELECT;
    sqe->buf_group = 3;
    sqe->ioprio = IORING_RECV_MULTISHOT;
    expect(r, "many", 0);
    for (int i = 0; i < 4; i++) {
        ok("write", write(pair[1], "abcdefghijk", 3 + i));
        expect(r, "each", 1);
    }
    printf("%.3s %.4s %.5s %.6s\n", memory[0], memory[1], memory[2], memory[3]);
    struct io_uring_buf_status status = {.buf_group = 3};
    ok("status", reg(r, IORING_REGISTER_PBUF_STATUS, &status, 1));
    printf("head %u\n", status.head);
    ok("write", write(pair[1], "x", 1));
    expect(r, "used up", 1);
    show("unregister", reg(r, IORING_UNREGISTER_PBUF_RING, &group, 1));
    memset(&group, 0, sizeof group);
    group.bgid = 3;
    show("unregister", reg(r, IORING_UNREGISTER_PBUF_RING, &group, 1));
    show("unregister", reg(r, IORING_UNREGISTER_PBUF_RING, &group, 1));
    buffer_ring(r, 4, memory[0], 2, 8, IOU_PBUF_RING_INC);
    for (int i = 0; i < 4; i++) {
        sqe = entry(r, IORING_OP_RECV, pair[0], NULL, 0, 0, 1);
        sqe->flags = IOSQE_BUFFER_SELECT;
        sqe->buf_group = 4;
        ok("write", write(pair[1], "abcdef", 5));
        expect(r, "bit by bit", 1);
    }
    printf("%.8s %.8s\n", memory[0], memory[1]);
    close(pair[0]);
    close(pair[1]);
}

static void registered(struct ring *r)
{
    static char memory[64];
    int ends[2], fds[4];
    struct io_uring_cqe cqe;
    ok("pipe", pipe(ends));
    fds[0] = ends[0], fds[1] = -1, fds[2] = ends[1], fds[3] = -1;
    show("no files", reg(r, IORING_UNREGISTER_FILES, NULL, 0));
    show("files", reg(r, IORING_REGISTER_FILES, fds, 4));
    show("again", reg(r, IORING_REGISTER_FILES, fds, 4));
    entry(r, IORING_OP_WRITE, 2, "fixed", 5, 0, 1)->flags = IOSQE_FIXED_FILE;
    entry(r, IORING_OP_READ, 0, memory, 5, 0, 2)->flags = IOSQE_FIXED_FILE;
    expect(r, "fixed files", 2);
    entry(r, IORING_OP_READ, 1, memory, 5, 0, 3)->flags = IOSQE_FIXED_FILE;
    entry(r, IORING_OP_READ, 9, memory, 5, 0, 4)->flags = IOSQE_FIXED_FILE;
    expect(r, "empty slots", 2);
    int watch = inotify_init1(IN_NONBLOCK);
    char events[1024];
    show("watch", inotify_add_watch(watch, ".", IN_OPEN));
    struct io_uring_sqe *sqe = entry(r, IORING_OP_OPENAT, AT_FDCWD, "direct", 0600, 0, 1);
    sqe->open_flags = O_RDWR | O_CREAT;
    sqe->file_index = 2;
    sqe->flags = IOSQE_IO_LINK; /* Linux may do them at once, in any order */
    sqe = entry(r, IORING_OP_OPENAT, AT_FDCWD, "direct", 0600, 0, 2);
    sqe->open_flags = O_RDWR | O_CREAT;
    sqe->file_index = IORING_FILE_INDEX_ALLOC;
    sqe->flags = IOSQE_IO_LINK;
    sqe = entry(r, IORING_OP_OPENAT, AT_FDCWD, "direct", 0600, 0, 3);
    sqe->open_flags = O_RDWR | O_CREAT;
    sqe->file_index = IORING_FILE_INDEX_ALLOC;
    expect(r, "direct", 3);
    show("events of opening", read(watch, events, sizeof events));
    close(watch);
    entry(r, IORING_OP_WRITE, 1, "there", 5, 0, 1)->flags = IOSQE_FIXED_FILE;
    expect(r, "written", 1);
    entry(r, IORING_OP_FIXED_FD_INSTALL, 1, NULL, 0, 0, 1)->flags = IOSQE_FIXED_FILE;
    submit(r, 1);
    next(r, &cqe);
    yes("installed", cqe.res > 2);
    show("read", read(cqe.res, memory, 64));
    close(cqe.res);
    entry(r, IORING_OP_CLOSE, 0, NULL, 0, 0, 1)->file_index = 2;
    entry(r, IORING_OP_CLOSE, 0, NULL, 0, 0, 2)->file_index = 2;
    entry(r, IORING_OP_CLOSE, 0, NULL, 0, 0, 3)->file_index = 90;
    expect(r, "close slots", 3);
    fds[0] = -1;
    struct io_uring_files_update update = {.offset = 2, .fds = (uintptr_t)fds};
    show("update", reg(r, IORING_REGISTER_FILES_UPDATE, &update, 1));
    update.offset = 4;
    show("beyond", reg(r, IORING_REGISTER_FILES_UPDATE, &update, 1));
    close(ends[1]);
    show("read end", read(ends[0], memory, 1));
    show("unregister", reg(r, IORING_UNREGISTER_FILES, NULL, 0));

    struct iovec vec[2] = {{memory, 32}, {memory + 32, 32}};
    show("buffers", reg(r, IORING_REGISTER_BUFFERS, vec, 2));
    int fd = open("direct", O_RDWR);
    entry(r, IORING_OP_WRITE_FIXED, fd, memory, 10, 0, 1)->flags = IOSQE_IO_LINK;
    entry(r, IORING_OP_READ_FIXED, fd, memory + 40, 10, 0, 2)->buf_index = 1;
    expect(r, "fixed buffers", 2);
    entry(r, IORING_OP_READ_FIXED, fd, memory + 30, 10, 0, 1)->buf_index = 0;
    entry(r, IORING_OP_READ_FIXED, fd, memory, 10, 0, 2)->buf_index = 7;
    expect(r, "not in them", 2);
    show("unregister", reg(r, IORING_UNREGISTER_BUFFERS, NULL, 0));
    show("unregister", reg(r, IORING_UNREGISTER_BUFFERS, NULL, 0));
    vec[0].iov_base = (void *)8;
    show("bad buffer", reg(r, IORING_REGISTER_BUFFERS, vec, 1));
    close(fd);
    close(ends[0]);
}

static void told(struct ring *r)
{
    int counter = eventfd(0, EFD_NONBLOCK);
    uint64_t value = 0;
    show("eventfd", reg(r, IORING_REGISTER_EVENTFD, &counter, 1));
    show("again", reg(r, IORING_REGISTER_EVENTFD, &counter, 1));
    entry(r, IORING_OP_NOP, -1, NULL, 0, 0, 1);
    expect(r, "nop", 1);
    show("read", read(counter, &value, 8));
    printf("told %u\n", (unsigned)value);
    *RING_WORD(r, r->p.cq_off.flags) = IORING_CQ_EVENTFD_DISABLED;
    entry(r, IORING_OP_NOP, -1, NULL, 0, 0, 1);
    expect(r, "nop", 1);
    show("read", read(counter, &value, 8));
    *RING_WORD(r, r->p.cq_off.flags) = 0;
    show("unregister", reg(r, IORING_UNREGISTER_EVENTFD, NULL, 0));
    show("unregister", reg(r, IORING_UNREGISTER_EVENTFD, NULL, 0));
    show("no counter", reg(r, IORING_REGISTER_EVENTFD, (int[]){STDOUT_FILENO}, 1));
    close(counter);
}

static void others(struct ring *r)
{
    struct ring other;
    ok("other ring", ring_setup(&other, 4, 0, 0));
    struct io_uring_sqe *sqe = entry(r, IORING_OP_MSG_RING, other.fd, NULL, 123, 456, 1);
    sqe = entry(r, IORING_OP_MSG_RING, STDOUT_FILENO, NULL, 123, 456, 2);
    (void)sqe;
    expect(r, "message", 2);
    expect(&other, "received", 1);
    close(other.fd);
    ok("disabled", ring_setup(&other, 4, IORING_SETUP_R_DISABLED, 0));
    entry(&other, IORING_OP_NOP, -1, NULL, 0, 0, 1);
    show("enter", enter(&other, 1, 0, 0));
    struct io_uring_restriction limits[3] = {
        {.opcode = IORING_RESTRICTION_SQE_OP, .sqe_op = IORING_OP_NOP},
        {.opcode = IORING_RESTRICTION_REGISTER_OP, .register_op = IORING_REGISTER_PROBE},
        {.opcode = IORING_RESTRICTION_SQE_FLAGS_ALLOWED, .sqe_flags = IOSQE_IO_LINK},
    };
    show("restrict", reg(&other, IORING_REGISTER_RESTRICTIONS, limits, 3));
    show("restrict", reg(&other, IORING_REGISTER_RESTRICTIONS, limits, 3));
    show("enable", reg(&other, IORING_REGISTER_ENABLE_RINGS, NULL, 0));
    show("enable", reg(&other, IORING_REGISTER_ENABLE_RINGS, NULL, 0));
    show("files", reg(&other, IORING_UNREGISTER_FILES, NULL, 0));
    expect(&other, "allowed", 1);
    entry(&other, IORING_OP_FSYNC, STDOUT_FILENO, NULL, 0, 0, 1);
    expect(&other, "forbidden", 1);
    entry(&other, IORING_OP_NOP, -1, NULL, 0, 0, 1)->flags = IOSQE_ASYNC;
    expect(&other, "forbidden flag", 1);
    close(other.fd);
    struct { struct io_uring_probe head; struct io_uring_probe_op ops[64]; } probe;
    memset(&probe, 0, sizeof probe);
    show("probe", reg(r, IORING_REGISTER_PROBE, &probe, 64));
    int known = 0;
    for (int i = 0; i < IORING_OP_RECV_ZC; i++)
        known += probe.ops[i].flags & IO_URING_OP_SUPPORTED;
    yes("operations", known > 55);
    int self = reg(r, IORING_REGISTER_PERSONALITY, NULL, 0);
    show("personality", self);
    entry(r, IORING_OP_NOP, -1, NULL, 0, 0, 1)->personality = self;
    expect(r, "as somebody", 1);
    show("gone", reg(r, IORING_UNREGISTER_PERSONALITY, NULL, self));
    show("gone", reg(r, IORING_UNREGISTER_PERSONALITY, NULL, self));
    struct io_uring_rsrc_update up = {.offset = -1U, .data = r->fd};
    show("registered ring", reg(r, IORING_REGISTER_RING_FDS, &up, 1));
    show("its index", up.offset);
    show("enter", syscall(SYS_io_uring_enter, up.offset, 0, 0, IORING_ENTER_REGISTERED_RING, NULL, 0));
    show("enter", syscall(SYS_io_uring_enter, 9, 0, 0, IORING_ENTER_REGISTERED_RING, NULL, 0));
    up.data = 0;
    show("unregister", reg(r, IORING_UNREGISTER_RING_FDS, &up, 1));
    show("no such call", reg(r, 200, NULL, 0));
}

static void deferred(void)
{
    struct ring r;
    struct io_uring_cqe cqe;
    int ends[2];
    ok("pipe", pipe(ends));
    ok("deferred", ring_setup(&r, 4, IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN |
                                         IORING_SETUP_TASKRUN_FLAG, 0));
    entry(&r, IORING_OP_POLL_ADD, ends[0], NULL, 0, 0, 1)->poll32_events = POLLIN;
    show("submit", enter(&r, 1, 0, 0));
    ok("write", write(ends[1], "x", 1));
    show("ready", ready(&r));
    yes("flag", *RING_WORD(&r, r.p.sq_off.flags) & IORING_SQ_TASKRUN);
    show("enter", enter(&r, 0, 0, IORING_ENTER_GETEVENTS));
    yes("flag", *RING_WORD(&r, r.p.sq_off.flags) & IORING_SQ_TASKRUN);
    if (next(&r, &cqe))
        tell("poll", &cqe);
    pid_t child = fork();
    if (!child) {
        show("in a child", enter(&r, 0, 0, IORING_ENTER_GETEVENTS));
        _exit(0);
    }
    reap(child);
    close(r.fd);
    close(ends[0]);
    close(ends[1]);
}

static void resized(void)
{
    struct ring r;
    struct io_uring_params p;
    ok("deferred", ring_setup(&r, 4, IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN, 0));
    entry(&r, IORING_OP_NOP, -1, NULL, 0, 0, 1);
    entry(&r, IORING_OP_NOP, -1, NULL, 0, 0, 2);
    show("submit", submit(&r, 0));
    memset(&p, 0, sizeof p);
    p.sq_entries = 1;
    p.flags = IORING_SETUP_CQSIZE;
    p.cq_entries = 1;
    show("too small", reg(&r, IORING_REGISTER_RESIZE_RINGS, &p, 1));
    memset(&p, 0, sizeof p);
    p.sq_entries = 16;
    show("resize", reg(&r, IORING_REGISTER_RESIZE_RINGS, &p, 1));
    r.p = p;
    printf("entries %u %u\n", p.sq_entries, p.cq_entries);
    ok("map", ring_map(&r));
    expect(&r, "kept", 2);
    close(r.fd);
    ok("another", ring_setup(&r, 4, 0, 0));
    show("not deferred", reg(&r, IORING_REGISTER_RESIZE_RINGS, &p, 1));
    close(r.fd);
}

static void waits(void)
{
    struct ring r;
    long page = 4096;
    struct io_uring_reg_wait *args = mmap(NULL, page, PROT_READ | PROT_WRITE,
                                          MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    struct io_uring_region_desc region = {
        .user_addr = (uintptr_t)args, .size = page, .flags = IORING_MEM_REGION_TYPE_USER};
    struct io_uring_mem_region_reg what = {
        .region_uptr = (uintptr_t)&region, .flags = IORING_MEM_REGION_REG_WAIT_ARG};
    ok("disabled", ring_setup(&r, 4, IORING_SETUP_R_DISABLED, 0));
    show("region", reg(&r, IORING_REGISTER_MEM_REGION, &what, 1));
    show("again", reg(&r, IORING_REGISTER_MEM_REGION, &what, 1));
    show("enable", reg(&r, IORING_REGISTER_ENABLE_RINGS, NULL, 0));
    args[2].flags = IORING_REG_WAIT_TS;
    args[2].ts.tv_nsec = 10000000;
    unsigned flags = IORING_ENTER_GETEVENTS | IORING_ENTER_EXT_ARG | IORING_ENTER_EXT_ARG_REG;
    show("waits", syscall(SYS_io_uring_enter, r.fd, 0, 1, flags, 2 * sizeof *args, sizeof *args));
    show("beyond", syscall(SYS_io_uring_enter, r.fd, 0, 1, flags, page, sizeof *args));
    show("size", syscall(SYS_io_uring_enter, r.fd, 0, 1, flags, 0, 8));
    args[0].flags = 8;
    show("flags", syscall(SYS_io_uring_enter, r.fd, 0, 1, flags, 0, sizeof *args));
    close(r.fd);
}

int main(void)
{
    struct ring r;
    if (ring_setup(&r, 16, 0, 0) < 0)
        return 1;
    messages(&r);
    connections(&r);
    provided(&r);
    buffer_rings(&r);
    registered(&r);
    told(&r);
    others(&r);
    deferred();
    resized();
    waits();
    return 0;
}
