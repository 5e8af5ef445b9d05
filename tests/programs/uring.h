/* io_uring without liburing: one ring, its entries and completions. */
#include "t.h"
#include <linux/io_uring.h>

struct ring {
    int fd;
    struct io_uring_params p;
    unsigned char *rings;
    struct io_uring_sqe *sqes;
    unsigned queued;
};

#define RING_WORD(r, off) ((_Atomic unsigned *)((r)->rings + (off)))

static inline int ring_map(struct ring *r)
{
    size_t size = r->p.cq_off.cqes + r->p.cq_entries * sizeof(struct io_uring_cqe);
    size_t other = r->p.sq_off.array + r->p.sq_entries * sizeof(unsigned);
    r->rings = mmap(NULL, size > other ? size : other, PROT_READ | PROT_WRITE,
                    MAP_SHARED | MAP_POPULATE, r->fd, IORING_OFF_SQ_RING);
    r->sqes = mmap(NULL, r->p.sq_entries * sizeof(struct io_uring_sqe), PROT_READ | PROT_WRITE,
                   MAP_SHARED | MAP_POPULATE, r->fd, IORING_OFF_SQES);
    return r->rings == MAP_FAILED || r->sqes == MAP_FAILED ? -1 : 0;
}

static inline int ring_setup(struct ring *r, unsigned entries, unsigned flags, unsigned cq)
{
    memset(r, 0, sizeof *r);
    r->p.flags = flags;
    r->p.cq_entries = cq;
    if (flags & IORING_SETUP_SQPOLL)
        r->p.sq_thread_idle = 50;
    r->fd = syscall(SYS_io_uring_setup, entries, &r->p);
    return r->fd < 0 ? -1 : ring_map(r);
}

/* The next entry, empty but for the operation. */
static inline struct io_uring_sqe *entry(struct ring *r, int op, int fd, const void *addr,
                                         unsigned len, uint64_t off, uint64_t data)
{
    unsigned tail = *RING_WORD(r, r->p.sq_off.tail), mask = r->p.sq_entries - 1;
    struct io_uring_sqe *sqe = &r->sqes[tail & mask];
    memset(sqe, 0, sizeof *sqe);
    sqe->opcode = op;
    sqe->fd = fd;
    sqe->addr = (uintptr_t)addr;
    sqe->len = len;
    sqe->off = off;
    sqe->user_data = data;
    ((unsigned *)(r->rings + r->p.sq_off.array))[tail & mask] = tail & mask;
    *RING_WORD(r, r->p.sq_off.tail) = tail + 1;
    r->queued++;
    return sqe;
}

static inline int enter(struct ring *r, unsigned submit, unsigned wait, unsigned flags)
{
    return syscall(SYS_io_uring_enter, r->fd, submit, wait, flags, NULL, 0);
}

static inline int submit(struct ring *r, unsigned wait)
{
    int done = enter(r, r->queued, wait, IORING_ENTER_GETEVENTS);
    if (done > 0)
        r->queued -= done;
    return done;
}

static inline unsigned ready(struct ring *r)
{
    return *RING_WORD(r, r->p.cq_off.tail) - *RING_WORD(r, r->p.cq_off.head);
}

static inline bool next(struct ring *r, struct io_uring_cqe *cqe)
{
    unsigned head = *RING_WORD(r, r->p.cq_off.head);
    if (head == *RING_WORD(r, r->p.cq_off.tail))
        return false;
    *cqe = ((struct io_uring_cqe *)(r->rings + r->p.cq_off.cqes))[head & (r->p.cq_entries - 1)];
    *RING_WORD(r, r->p.cq_off.head) = head + 1;
    return true;
}

static inline int by_data(const void *a, const void *b)
{
    const struct io_uring_cqe *x = a, *y = b;
    return x->user_data < y->user_data ? -1 : x->user_data > y->user_data;
}

static inline void tell(const char *what, struct io_uring_cqe *cqe)
{
    printf("%s %d: ", what, (int)cqe->user_data);
    if (cqe->res < 0)
        printf("%s", error_name(-cqe->res));
    else
        printf("%d", cqe->res);
    if (cqe->flags & ~IORING_CQE_F_SOCK_NONEMPTY)
        printf(" flags %x", cqe->flags & ~IORING_CQE_F_SOCK_NONEMPTY);
    putchar('\n');
    fflush(stdout);
}

/* Submit, wait for so many completions, print all that came in the order of their data, and
   return how many these were. */
static inline unsigned expect(struct ring *r, const char *what, unsigned count)
{
    struct io_uring_cqe found[64];
    unsigned n = 0;
    unsigned queued = r->queued;
    int result = submit(r, count);
    if (result != (int)queued)
        show(what, result);
    while (n < 64 && next(r, &found[n]))
        n++;
    qsort(found, n, sizeof *found, by_data);
    for (unsigned i = 0; i < n; i++)
        tell(what, &found[i]);
    return n;
}

static inline long reg(struct ring *r, unsigned op, const void *arg, unsigned count)
{
    return syscall(SYS_io_uring_register, r->fd, op, arg, count);
}
