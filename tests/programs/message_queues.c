/* System V and POSIX message queues: order, limits, waiting, notification, errors */
#include "t.h"
#include <sys/ipc.h>
#include <sys/msg.h>

#ifndef MSG_COPY
#define MSG_COPY 040000
#endif

struct letter { long type; char text[64]; };
struct attributes { long flags, maxmsg, msgsize, curmsgs, reserved[4]; };

static int q;

static void put(long type, const char *text)
{
    struct letter m = {type, {0}};
    strcpy(m.text, text);
    ok("msgsnd", msgsnd(q, &m, strlen(text) + 1, IPC_NOWAIT));
}

static void take(long type, size_t size, int flags)
{
    struct letter m = {0};
    long n = msgrcv(q, &m, size, type, flags | IPC_NOWAIT);
    if (n < 0)
        show("msgrcv", n);
    else
        printf("msgrcv %ld: %ld bytes, type %ld, %.*s\n", type, n, m.type, (int)n, m.text);
}

static void system_v(void)
{
    struct msqid_ds ds;
    struct letter m = {1, {0}};
    key_t key = 0x5c0000 + getpid();
    puts("-- System V");
    ok("none yet", msgget(key, 0));
    ok("make", q = msgget(key, IPC_CREAT | 0600));
    yes("the same", msgget(key, 0) == q);
    ok("exclusive", msgget(key, IPC_CREAT | IPC_EXCL));
    put(3, "three");
    put(1, "one");
    put(2, "two");
    put(1, "uno");
    ok("stat", msgctl(q, IPC_STAT, &ds));
    printf("%lu messages, %lu bytes of %lu, mode %o\n", ds.msg_qnum, ds.__msg_cbytes, ds.msg_qbytes, ds.msg_perm.mode);
    yes("sent here", ds.msg_lspid == getpid() && ds.msg_stime && !ds.msg_rtime);
    take(1, 64, 0);
    take(-2, 64, 0);
    take(3, 64, MSG_EXCEPT);
    take(9, 64, 0);
    take(0, 2, 0);
    take(0, 2, MSG_NOERROR);
    take(0, 64, 0);
    ok("type 0", msgsnd(q, &(struct letter){0}, 1, 0));
    ok("long", msgsnd(q, &m, 9000, 0));
    ok("negative", msgsnd(q, &m, -1, 0));
    ok("bad pointer", msgsnd(q, (void *)16, 1, 0));
    ok("bad id", msgsnd(-1, &m, 1, 0));
    ok("no id", msgsnd(q + 12345, &m, 1, 0));
    put(5, "lost");
    ok("bad buffer", msgrcv(q, (void *)16, 64, 0, 0));
    take(0, 64, 0);
    put(5, "copied");
    struct letter c;
    show("copy", msgrcv(q, &c, 64, 0, MSG_COPY | IPC_NOWAIT));
    ok("copy the second", msgrcv(q, &c, 64, 1, MSG_COPY | IPC_NOWAIT));
    ok("copy waits", msgrcv(q, &c, 64, 0, MSG_COPY));
    take(0, 64, 0);
    ok("control", msgctl(q, 99, &ds));
    ok("stat bad", msgctl(q, IPC_STAT, (void *)16));
    int full = 0;
    while (!msgsnd(q, &m, 64, IPC_NOWAIT))
        full++;
    printf("%d fit, %s\n", full, error_name(errno));
    ds.msg_qbytes = 64;
    ds.msg_perm.mode = 0640;
    ok("smaller", msgctl(q, IPC_SET, &ds));
    msgctl(q, IPC_STAT, &ds);
    printf("qbytes %lu mode %o\n", ds.msg_qbytes, ds.msg_perm.mode);
    while (full--)
        msgrcv(q, &m, 64, 0, IPC_NOWAIT);
    pid_t child = fork();
    if (!child) {
        pause_ms(20);
        for (int i = 0; i < 3; i++)
            msgsnd(q, &(struct letter){7, "waited for"}, 40, 0);
        while (!msgctl(q, IPC_STAT, &ds) && ds.msg_qnum)
            pause_ms(5);
        until_asleep(getppid());
        msgctl(q, IPC_RMID, NULL);
        _exit(0);
    }
    for (int i = 0; i < 3; i++)
        show("wait", msgrcv(q, &m, 64, 7, 0));
    ok("removed meanwhile", msgrcv(q, &m, 64, 7, 0));
    show_status("child", reap(child));
    ok("gone", msgctl(q, IPC_STAT, &ds));
}

static void on_signal(int number, siginfo_t *info, void *context)
{
    printf("signal %d, code %d, value %d\n", number, info->si_code, info->si_value.sival_int);
}

static int named(const char *name, int flags, void *attributes)
{
    return syscall(SYS_mq_open, name, flags, 0600, attributes);
}

static int mq_put(int mq, const char *text, unsigned priority, void *timeout)
{
    return syscall(SYS_mq_timedsend, mq, text, strlen(text), priority, timeout);
}

static void mq_take(const char *what, int mq, size_t size, void *timeout)
{
    char text[8192] = "";
    unsigned priority = 99;
    long n = syscall(SYS_mq_timedreceive, mq, text, size, &priority, timeout);
    if (n < 0)
        show(what, n);
    else
        printf("%s: %.*s, priority %u\n", what, (int)n, text, priority);
}

static void posix(void)
{
    char name[32], line[128] = "";
    struct attributes a = {0, 3, 32, 0, {0}}, b;
    struct timespec past = {1, 0}, wrong = {1, -1}, soon;
    sprintf(name, "test-%d", getpid());
    puts("-- POSIX");
    ok("none yet", named(name, O_RDWR, NULL));
    ok("slash", named("a/b", O_RDWR | O_CREAT, NULL));
    ok("bad name", named((void *)16, O_RDWR | O_CREAT, NULL));
    ok("bad attributes", named(name, O_RDWR | O_CREAT, (void *)16));
    ok("size 0", named(name, O_RDWR | O_CREAT, &(struct attributes){0, 3, 0, 0, {0}}));
    int mq = named(name, O_RDWR | O_CREAT | O_EXCL, &a);
    ok("make", mq);
    printf("cloexec %d\n", fcntl(mq, F_GETFD));
    ok("exclusive", named(name, O_RDWR | O_CREAT | O_EXCL, &a));
    ok("low", mq_put(mq, "low", 1, NULL));
    ok("high", mq_put(mq, "high", 9, NULL));
    ok("low too", mq_put(mq, "low too", 1, NULL));
    struct pollfd p = {mq, POLLIN | POLLOUT, 0};
    poll(&p, 1, 0);
    printf("full: %#x\n", p.revents);
    ok("late", mq_put(mq, "x", 1, &past));
    ok("wrong time", mq_put(mq, "x", 1, &wrong));
    ok("priority", mq_put(mq, "x", 32768, NULL));
    ok("long", mq_put(mq, "0123456789012345678901234567890123456789", 1, NULL));
    ok("no queue", mq_put(1, "x", 1, NULL));
    ok("attributes", syscall(SYS_mq_getsetattr, mq, NULL, &b));
    printf("%ld %ld %ld %ld\n", b.flags, b.maxmsg, b.msgsize, b.curmsgs);
    mq_take("short buffer", mq, 31, NULL);
    mq_take("first", mq, 32, NULL);
    mq_take("second", mq, 32, NULL);
    mq_take("third", mq, 32, NULL);
    clock_gettime(CLOCK_REALTIME, &soon);
    soon.tv_nsec += 20000000;
    if (soon.tv_nsec >= 1000000000)
        soon.tv_sec++, soon.tv_nsec -= 1000000000;
    mq_take("nobody", mq, 32, &soon);
    b.flags = O_NONBLOCK;
    ok("nonblocking", syscall(SYS_mq_getsetattr, mq, &b, &a));
    printf("was %ld\n", a.flags);
    mq_take("empty", mq, 32, NULL);
    b.flags = O_APPEND;
    ok("other flags", syscall(SYS_mq_getsetattr, mq, &b, NULL));
    struct sigaction act = {.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO};
    sigaction(SIGUSR1, &act, NULL);
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1, .sigev_value.sival_int = 42};
    ok("notify", syscall(SYS_mq_notify, mq, &event));
    ok("twice", syscall(SYS_mq_notify, mq, &event));
    lseek(mq, 0, SEEK_SET);
    ok("a message", mq_put(mq, "news", 0, NULL));
    ok("another", mq_put(mq, "more", 0, NULL));
    ok("again", syscall(SYS_mq_notify, mq, &event));
    ok("no more", syscall(SYS_mq_notify, mq, NULL));
    event.sigev_notify = 77;
    ok("kind", syscall(SYS_mq_notify, mq, &event));
    ok("bad event", syscall(SYS_mq_notify, mq, (void *)16));
    show("read", read(mq, line, sizeof line));
    printf("%s", line);
    int readonly = named(name, O_RDONLY, NULL);
    ok("read only", mq_put(readonly, "x", 0, NULL));
    pid_t child = fork();
    if (!child) {
        pause_ms(20);
        _exit(mq_put(mq, "from the child", 5, NULL) != 0);
    }
    mq_take("news", readonly, 32, NULL);
    mq_take("more", readonly, 32, NULL);
    mq_take("wait", readonly, 32, NULL);
    show_status("child", reap(child));
    ok("unlink", syscall(SYS_mq_unlink, name));
    ok("unlink again", syscall(SYS_mq_unlink, name));
    ok("still usable", mq_put(mq, "x", 1, NULL));
    mq_take("still there", mq, 32, NULL);
}

int main(void)
{
    alarm(30);
    system_v();
    posix();
    return 0;
}
