/* io_uring: rings, links, drains, time, files, cancelling. */
#include "uring.h"

static void setups(void)
{
    struct ring r;
    struct io_uring_params p;
    memset(&p, 0, sizeof p);
    show("no entries", syscall(SYS_io_uring_setup, 0, &p));
    show("too many", syscall(SYS_io_uring_setup, 40000, &p));
    show("bad pointer", syscall(SYS_io_uring_setup, 8, (void *)8));
    p.flags = 1u << 31;
    show("bad flag", syscall(SYS_io_uring_setup, 8, &p));
    p.flags = IORING_SETUP_SQ_AFF;
    show("affinity without poller", syscall(SYS_io_uring_setup, 8, &p));
    p.flags = IORING_SETUP_DEFER_TASKRUN;
    show("deferred without issuer", syscall(SYS_io_uring_setup, 8, &p));
    p.flags = IORING_SETUP_TASKRUN_FLAG;
    show("flag alone", syscall(SYS_io_uring_setup, 8, &p));
    p.flags = IORING_SETUP_CQSIZE;
    p.cq_entries = 4;
    show("small completion queue", syscall(SYS_io_uring_setup, 8, &p));
    ok("setup", ring_setup(&r, 5, 0, 0));
    printf("entries %u %u\n", r.p.sq_entries, r.p.cq_entries);
    printf("offsets %u %u %u %u %u %u %u\n", r.p.sq_off.head, r.p.sq_off.tail,
           r.p.sq_off.ring_mask, r.p.sq_off.ring_entries, r.p.sq_off.flags, r.p.sq_off.dropped,
           r.p.sq_off.array);
    printf("offsets %u %u %u %u %u %u %u\n", r.p.cq_off.head, r.p.cq_off.tail,
           r.p.cq_off.ring_mask, r.p.cq_off.ring_entries, r.p.cq_off.overflow, r.p.cq_off.cqes,
           r.p.cq_off.flags);
    yes("single mmap", r.p.features & IORING_FEAT_SINGLE_MMAP);
    yes("no drop", r.p.features & IORING_FEAT_NODROP);
    yes("cloexec", fcntl(r.fd, F_GETFD) & FD_CLOEXEC);
    char path[64], name[64] = "";
    snprintf(path, sizeof path, "/proc/self/fd/%d", r.fd);
    if (readlink(path, name, sizeof name - 1) > 0)
        puts(name);
    show("read", read(r.fd, name, 8));
    show("enter a pipe", syscall(SYS_io_uring_enter, 0, 0, 0, 0, NULL, 0));
    show("enter nothing", syscall(SYS_io_uring_enter, 99, 0, 0, 0, NULL, 0));
    show("bad enter flag", enter(&r, 0, 0, 1u << 30));
    show("nothing to do", enter(&r, 0, 0, 0));
    show("map too much", (long)mmap(NULL, 1 << 20, PROT_READ, MAP_SHARED, r.fd, 0) == -1 ? -1 : 0);
    close(r.fd);
    ok("clamped", ring_setup(&r, 60000, IORING_SETUP_CLAMP, 0));
    printf("entries %u %u\n", r.p.sq_entries, r.p.cq_entries);
    close(r.fd);
    ok("chosen size", ring_setup(&r, 8, IORING_SETUP_CQSIZE, 100));
    printf("entries %u %u\n", r.p.sq_entries, r.p.cq_entries);
    close(r.fd);
}

static void nops(struct ring *r)
{
    for (int i = 1; i <= 4; i++)
        entry(r, IORING_OP_NOP, -1, NULL, 0, 0, i);
    expect(r, "nop", 4);
    entry(r, 200, -1, NULL, 0, 0, 1);
    entry(r, IORING_OP_NOP, -1, NULL, 0, 0, 2);
    expect(r, "unknown operation", 1);
    expect(r, "what was left", 1);
    entry(r, IORING_OP_NOP, -1, NULL, 0, 0, 1)->flags = 0x80;
    expect(r, "unknown flag", 1);
    entry(r, IORING_OP_NOP, -1, NULL, 0, 0, 1)->ioprio = 1;
    expect(r, "priority", 1);
    entry(r, IORING_OP_NOP, -1, NULL, 0, 0, 1)->personality = 7;
    expect(r, "personality", 1);
    entry(r, IORING_OP_NOP, -1, NULL, 0, 0, 1)->flags = IOSQE_BUFFER_SELECT;
    expect(r, "no buffers to select", 1);
}

static void links(struct ring *r)
{
    char buf[8];
    int bad = -1;
    for (int i = 1; i <= 3; i++)
        entry(r, IORING_OP_NOP, -1, NULL, 0, 0, i)->flags = i < 3 ? IOSQE_IO_LINK : 0;
    expect(r, "link", 3);
    entry(r, IORING_OP_READ, bad, buf, 8, 0, 1)->flags = IOSQE_IO_LINK;
    entry(r, IORING_OP_NOP, -1, NULL, 0, 0, 2)->flags = IOSQE_IO_LINK;
    entry(r, IORING_OP_NOP, -1, NULL, 0, 0, 3);
    entry(r, IORING_OP_NOP, -1, NULL, 0, 0, 4);
    expect(r, "broken link", 4);
    entry(r, IORING_OP_READ, bad, buf, 8, 0, 1)->flags = IOSQE_IO_HARDLINK;
    entry(r, IORING_OP_NOP, -1, NULL, 0, 0, 2);
    expect(r, "hard link", 2);
    entry(r, IORING_OP_NOP, -1, NULL, 0, 0, 1)->flags = IOSQE_IO_LINK;
    entry(r, 200, -1, NULL, 0, 0, 2)->flags = IOSQE_IO_LINK;
    expect(r, "refused link", 2);
    int fd = open("short", O_RDWR | O_CREAT | O_TRUNC, 0600);
    ok("write", write(fd, "abc", 3));
    entry(r, IORING_OP_READ, fd, buf, 8, 0, 1)->flags = IOSQE_IO_LINK;
    entry(r, IORING_OP_NOP, -1, NULL, 0, 0, 2);
    expect(r, "short read breaks a link", 2);
    int ends[2];
    ok("pipe", pipe(ends));
    entry(r, IORING_OP_READ, ends[0], buf, 8, 0, 1)->flags = IOSQE_IO_LINK;
    entry(r, IORING_OP_NOP, -1, NULL, 0, 0, 2);
    entry(r, IORING_OP_NOP, -1, NULL, 0, 0, 3)->flags = IOSQE_IO_DRAIN;
    entry(r, IORING_OP_NOP, -1, NULL, 0, 0, 4);
    expect(r, "held by a read", 0);
    ok("write", write(ends[1], "12345678", 8));
    expect(r, "goes on", 4);
    entry(r, IORING_OP_NOP, -1, NULL, 0, 0, 1)->flags = IOSQE_CQE_SKIP_SUCCESS;
    entry(r, IORING_OP_NOP, -1, NULL, 0, 0, 2);
    expect(r, "skipped", 1);
    entry(r, IORING_OP_NOP, -1, NULL, 0, 0, 1)->flags = IOSQE_IO_DRAIN;
    expect(r, "no drain any more", 1);
    entry(r, IORING_OP_READ, ends[0], buf, 8, 0, 1)->flags = IOSQE_IO_LINK | IOSQE_CQE_SKIP_SUCCESS;
    entry(r, IORING_OP_NOP, -1, NULL, 0, 0, 2);
    expect(r, "skipped, held", 0);
    close(ends[1]);
    expect(r, "end of file breaks it", 1);
    close(ends[0]);
    close(fd);
}

static void timeouts(struct ring *r)
{
    struct __kernel_timespec soon = {0, 20000000}, late = {1000, 0}, bad = {0, -1};
    char buf[8];
    int ends[2];
    ok("pipe", pipe(ends));
    entry(r, IORING_OP_TIMEOUT, -1, &soon, 1, 0, 1);
    expect(r, "timeout", 1);
    entry(r, IORING_OP_TIMEOUT, -1, &soon, 1, 0, 1)->timeout_flags = IORING_TIMEOUT_ETIME_SUCCESS;
    expect(r, "timeout, a success", 1);
    entry(r, IORING_OP_TIMEOUT, -1, &bad, 1, 0, 1);
    expect(r, "no time", 1);
    entry(r, IORING_OP_TIMEOUT, -1, &late, 2, 0, 1);
    expect(r, "two times", 1);
    entry(r, IORING_OP_TIMEOUT, -1, &late, 1, 2, 1);
    expect(r, "count", 0);
    entry(r, IORING_OP_NOP, -1, NULL, 0, 0, 2);
    expect(r, "first", 1);
    entry(r, IORING_OP_NOP, -1, NULL, 0, 0, 3);
    expect(r, "second", 2);
    entry(r, IORING_OP_TIMEOUT, -1, &late, 1, 0, 1);
    entry(r, IORING_OP_TIMEOUT_REMOVE, -1, (void *)1, 0, 0, 2);
    entry(r, IORING_OP_TIMEOUT_REMOVE, -1, (void *)9, 0, 0, 3);
    expect(r, "removed", 3);
    entry(r, IORING_OP_TIMEOUT, -1, &late, 1, 0, 1);
    entry(r, IORING_OP_TIMEOUT_REMOVE, -1, (void *)1, 0, (uintptr_t)&soon, 2)->timeout_flags =
        IORING_TIMEOUT_UPDATE;
    expect(r, "updated", 2);
    entry(r, IORING_OP_READ, ends[0], buf, 8, 0, 1)->flags = IOSQE_IO_LINK;
    entry(r, IORING_OP_LINK_TIMEOUT, -1, &soon, 1, 0, 2);
    expect(r, "linked timeout", 2);
    entry(r, IORING_OP_NOP, -1, NULL, 0, 0, 1)->flags = IOSQE_IO_LINK;
    entry(r, IORING_OP_LINK_TIMEOUT, -1, &late, 1, 0, 2)->flags = IOSQE_IO_LINK;
    entry(r, IORING_OP_NOP, -1, NULL, 0, 0, 3);
    expect(r, "in time", 3);
    entry(r, IORING_OP_LINK_TIMEOUT, -1, &late, 1, 0, 1);
    expect(r, "linked to nothing", 1);
    struct __kernel_timespec short_wait = {0, 10000000};
    struct io_uring_getevents_arg arg = {.ts = (uintptr_t)&short_wait};
    show("waits in vain", syscall(SYS_io_uring_enter, r->fd, 0, 1,
                                  IORING_ENTER_GETEVENTS | IORING_ENTER_EXT_ARG, &arg, sizeof arg));
    show("short argument", syscall(SYS_io_uring_enter, r->fd, 0, 1,
                                   IORING_ENTER_GETEVENTS | IORING_ENTER_EXT_ARG, &arg, 8));
    entry(r, IORING_OP_TIMEOUT, -1, &soon, 1, 3, 1)->timeout_flags = IORING_TIMEOUT_MULTISHOT;
    for (unsigned seen = 0; seen < 3;) /* several when the machine was slow */
        seen += expect(r, "again and again", 1);
    close(ends[0]);
    close(ends[1]);
}

static void polls(struct ring *r)
{
    int ends[2];
    ok("pipe", pipe(ends));
    entry(r, IORING_OP_POLL_ADD, ends[1], NULL, 0, 0, 1)->poll32_events = POLLOUT;
    expect(r, "writable", 1);
    entry(r, IORING_OP_POLL_ADD, ends[0], NULL, 0, 0, 1)->poll32_events = POLLIN;
    expect(r, "not yet readable", 0);
    ok("write", write(ends[1], "x", 1));
    expect(r, "readable", 1);
    char buf[8];
    ok("read", read(ends[0], buf, 8));
    entry(r, IORING_OP_POLL_ADD, ends[0], NULL, IORING_POLL_ADD_MULTI, 0, 1)->poll32_events =
        POLLIN;
    for (int i = 0; i < 3; i++) {
        expect(r, "many polls", 0);
        ok("write", write(ends[1], "x", 1));
        expect(r, "each time", 1);
        ok("read", read(ends[0], buf, 8));
    }
    entry(r, IORING_OP_POLL_REMOVE, -1, (void *)1, 0, 0, 2);
    entry(r, IORING_OP_POLL_REMOVE, -1, (void *)1, 0, 0, 3);
    expect(r, "no more polls", 3);
    entry(r, IORING_OP_POLL_ADD, ends[0], NULL, 0, 0, 1)->poll32_events = POLLIN;
    struct io_uring_sqe *sqe = entry(r, IORING_OP_POLL_REMOVE, -1, (void *)1,
                                     IORING_POLL_UPDATE_USER_DATA, 5, 2);
    (void)sqe;
    expect(r, "renamed", 1);
    close(ends[1]);
    expect(r, "hung up", 1);
    struct pollfd p = {r->fd, POLLIN | POLLOUT, 0};
    show("poll", poll(&p, 1, 0));
    printf("ring is ready for %x\n", p.revents);
    entry(r, IORING_OP_NOP, -1, NULL, 0, 0, 1);
    show("submit", submit(r, 0));
    show("poll", poll(&p, 1, 0));
    printf("ring is ready for %x\n", p.revents);
    expect(r, "fetched", 1);
    close(ends[0]);
}

static void cancels(struct ring *r)
{
    int ends[2];
    char buf[4][8];
    ok("pipe", pipe(ends));
    for (int i = 0; i < 4; i++)
        entry(r, IORING_OP_READ, ends[0], buf[i], 8, 0, i < 2 ? 1 : 2);
    expect(r, "reading", 0);
    entry(r, IORING_OP_ASYNC_CANCEL, -1, (void *)1, 0, 0, 10);
    expect(r, "one", 2);
    entry(r, IORING_OP_ASYNC_CANCEL, -1, (void *)2, 0, 0, 11)->cancel_flags =
        IORING_ASYNC_CANCEL_ALL;
    expect(r, "all of that name", 3);
    entry(r, IORING_OP_ASYNC_CANCEL, -1, (void *)2, 0, 0, 12);
    expect(r, "none", 1);
    entry(r, IORING_OP_ASYNC_CANCEL, ends[0], NULL, 0, 0, 13)->cancel_flags =
        IORING_ASYNC_CANCEL_FD;
    expect(r, "by descriptor", 2);
    entry(r, IORING_OP_ASYNC_CANCEL, -1, NULL, 0, 0, 14)->cancel_flags =
        IORING_ASYNC_CANCEL_ANY | IORING_ASYNC_CANCEL_FD;
    expect(r, "nonsense", 1);
    entry(r, IORING_OP_READ, ends[0], buf[0], 8, 0, 1);
    expect(r, "reading", 0);
    struct io_uring_sync_cancel_reg sync = {.addr = 1, .timeout = {-1, -1}};
    show("at once", reg(r, IORING_REGISTER_SYNC_CANCEL, &sync, 1));
    expect(r, "gone", 1);
    show("again", reg(r, IORING_REGISTER_SYNC_CANCEL, &sync, 1));
    close(ends[0]);
    close(ends[1]);
}

static void files(struct ring *r)
{
    char buf[16] = "", other[16] = "";
    struct iovec vec[2] = {{"hello ", 6}, {"world", 5}}, in[2] = {{buf, 6}, {other, 15}};
    struct statx stx;
    entry(r, IORING_OP_OPENAT, AT_FDCWD, "new", 0600, 0, 1)->open_flags = O_RDWR | O_CREAT;
    submit(r, 1);
    struct io_uring_cqe cqe;
    next(r, &cqe);
    int fd = cqe.res;
    yes("opened", fd > 2);
    entry(r, IORING_OP_WRITEV, fd, vec, 2, 0, 1);
    expect(r, "writev", 1);
    entry(r, IORING_OP_READV, fd, in, 2, 0, 1);
    expect(r, "readv", 1);
    printf("%s|%s\n", buf, other);
    /* Linked where one needs the other: Linux may do both at once. */
    entry(r, IORING_OP_WRITE, fd, "!", 1, -1, 1)->flags = IOSQE_IO_LINK;
    entry(r, IORING_OP_WRITE, fd, "?", 1, -1, 2);
    expect(r, "at the offset", 2);
    show("offset", lseek(fd, 0, SEEK_CUR));
    entry(r, IORING_OP_FSYNC, fd, NULL, 0, 0, 1);
    entry(r, IORING_OP_FSYNC, fd, NULL, 0, 0, 2)->fsync_flags = IORING_FSYNC_DATASYNC;
    entry(r, IORING_OP_FSYNC, fd, NULL, 0, 0, 3)->fsync_flags = 8;
    expect(r, "sync", 3);
    entry(r, IORING_OP_FALLOCATE, fd, (void *)100, 0, 0, 1);
    expect(r, "allocate", 1);
    entry(r, IORING_OP_FTRUNCATE, fd, NULL, 0, 5, 1);
    expect(r, "truncate", 1);
    entry(r, IORING_OP_STATX, AT_FDCWD, "new", STATX_SIZE, (uintptr_t)&stx, 1);
    expect(r, "statx", 1);
    show("size", stx.stx_size);
    entry(r, IORING_OP_MKDIRAT, AT_FDCWD, "folder", 0700, 0, 1)->flags = IOSQE_IO_LINK;
    entry(r, IORING_OP_MKDIRAT, AT_FDCWD, "folder", 0700, 0, 2);
    expect(r, "mkdir", 2);
    entry(r, IORING_OP_RENAMEAT, AT_FDCWD, "new", AT_FDCWD, (uintptr_t)"folder/old", 1)->flags =
        IOSQE_IO_LINK;
    entry(r, IORING_OP_SYMLINKAT, AT_FDCWD, "folder/old", 0, (uintptr_t)"soft", 2)->flags =
        IOSQE_IO_LINK;
    entry(r, IORING_OP_LINKAT, AT_FDCWD, "folder/old", AT_FDCWD, (uintptr_t)"hard", 3);
    expect(r, "names", 3);
    entry(r, IORING_OP_UNLINKAT, AT_FDCWD, "hard", 0, 0, 1);
    entry(r, IORING_OP_UNLINKAT, AT_FDCWD, "soft", 0, 0, 2);
    entry(r, IORING_OP_UNLINKAT, AT_FDCWD, "folder", 0, 0, 3)->unlink_flags = AT_REMOVEDIR;
    expect(r, "unlink", 3);
    int pair[2];
    ok("pipe", pipe(pair));
    struct io_uring_sqe *sqe = entry(r, IORING_OP_SPLICE, pair[1], NULL, 100, -1, 1);
    sqe->splice_fd_in = fd;
    sqe->splice_off_in = 1;
    expect(r, "splice", 1);
    memset(buf, 0, sizeof buf);
    show("read", read(pair[0], buf, sizeof buf));
    puts(buf);
    entry(r, IORING_OP_CLOSE, fd, NULL, 0, 0, 1)->flags = IOSQE_IO_HARDLINK;
    entry(r, IORING_OP_CLOSE, fd, NULL, 0, 0, 2)->flags = IOSQE_IO_HARDLINK;
    entry(r, IORING_OP_CLOSE, r->fd, NULL, 0, 0, 3);
    expect(r, "close", 3);
    entry(r, IORING_OP_READ, pair[1], buf, 4, 0, 1);
    entry(r, IORING_OP_WRITE, pair[0], buf, 4, 0, 2);
    entry(r, IORING_OP_READ, pair[0], (void *)8, 4, 0, 3);
    entry(r, IORING_OP_READ, pair[0], buf, 4, 0, 4)->rw_flags = RWF_NOWAIT;
    expect(r, "no good", 3);
    ok("write", write(pair[1], "12", 2));
    expect(r, "fault", 1);
    close(pair[0]);
    close(pair[1]);
}

static void overflow(void)
{
    struct ring r;
    ok("small ring", ring_setup(&r, 4, 0, 0));
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < 4; i++)
            entry(&r, IORING_OP_NOP, -1, NULL, 0, 0, 10 * round + i);
        show("submit", enter(&r, 4, 0, 0));
        r.queued = 0;
    }
    yes("overflown", *RING_WORD(&r, r.p.sq_off.flags) & IORING_SQ_CQ_OVERFLOW);
    show("ready", ready(&r));
    expect(&r, "first", 0);
    yes("overflown", *RING_WORD(&r, r.p.sq_off.flags) & IORING_SQ_CQ_OVERFLOW);
    expect(&r, "rest", 4);
    ((unsigned *)(r.rings + r.p.sq_off.array))[*RING_WORD(&r, r.p.sq_off.tail) & 3] = 77;
    *RING_WORD(&r, r.p.sq_off.tail) += 1;
    show("bad index", enter(&r, 1, 0, 0));
    show("dropped", *RING_WORD(&r, r.p.sq_off.dropped));
    close(r.fd);
}

static void poller(void)
{
    struct ring r;
    char buf[4] = "";
    int ends[2];
    ok("pipe", pipe(ends));
    ok("polled ring", ring_setup(&r, 4, IORING_SETUP_SQPOLL, 0));
    entry(&r, IORING_OP_WRITE, ends[1], "abc", 3, 0, 1);
    for (int i = 0; i < 5000 && !ready(&r); i++) {
        if (*RING_WORD(&r, r.p.sq_off.flags) & IORING_SQ_NEED_WAKEUP)
            enter(&r, 0, 0, IORING_ENTER_SQ_WAKEUP);
        pause_ms(1);
    }
    struct io_uring_cqe cqe;
    if (next(&r, &cqe))
        tell("without a call", &cqe);
    while (!(*RING_WORD(&r, r.p.sq_off.flags) & IORING_SQ_NEED_WAKEUP))
        pause_ms(5);
    puts("asleep");
    entry(&r, IORING_OP_READ, ends[0], buf, 3, 0, 2);
    show("woken", enter(&r, 1, 1, IORING_ENTER_SQ_WAKEUP | IORING_ENTER_GETEVENTS));
    if (next(&r, &cqe))
        tell("read", &cqe);
    puts(buf);
    close(r.fd);
    close(ends[0]);
    close(ends[1]);
}

static void handler(int number)
{
    (void)number;
}

static void interrupted(struct ring *r)
{
    struct sigaction action = {.sa_handler = handler};
    struct itimerval soon = {{0, 0}, {0, 20000}};
    sigaction(SIGALRM, &action, NULL);
    setitimer(ITIMER_REAL, &soon, NULL);
    show("interrupted", enter(r, 0, 1, IORING_ENTER_GETEVENTS));
    sigset_t none, alarm_set;
    sigemptyset(&none);
    sigemptyset(&alarm_set);
    sigaddset(&alarm_set, SIGALRM);
    sigprocmask(SIG_BLOCK, &alarm_set, NULL);
    raise(SIGALRM);
    show("masked", syscall(SYS_io_uring_enter, r->fd, 0, 1, IORING_ENTER_GETEVENTS, &none, 8));
    sigprocmask(SIG_UNBLOCK, &alarm_set, NULL);
}

static void forked(struct ring *r)
{
    pid_t child = fork();
    if (!child) {
        entry(r, IORING_OP_NOP, -1, NULL, 0, 0, 42);
        _exit(submit(r, 0) == 1 ? 0 : 1);
    }
    show_status("child", reap(child));
    r->queued = 0;
    expect(r, "from the child", 1);
}

int main(void)
{
    struct ring r;
    setups();
    if (ring_setup(&r, 16, 0, 0) < 0)
        return 1;
    nops(&r);
    links(&r);
    timeouts(&r);
    polls(&r);
    cancels(&r);
    files(&r);
    overflow();
    poller();
    interrupted(&r);
    forked(&r);
    return 0;
}
