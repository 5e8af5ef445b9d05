/* System V semaphores: operations, waiting, SEM_UNDO, control, errors */
#include "t.h"
#include <sys/ipc.h>
#include <sys/sem.h>

static int s;

static int change(int number, int by, int flags)
{
    struct sembuf op = {number, by, flags};
    return semop(s, &op, 1);
}

static void show_all(const char *what)
{
    unsigned short values[3] = {0};
    semctl(s, 0, GETALL, values);
    printf("%s: %d %d %d\n", what, values[0], values[1], values[2]);
}

static void wait_for_waiters(int number, int command, int count)
{
    while (semctl(s, number, command) != count)
        pause_ms(2);
}

int main(void)
{
    struct semid_ds ds;
    unsigned short values[3] = {1, 2, 3};
    struct timespec soon = {0, 20000000}, wrong = {0, -1};
    key_t key = 0x5e0000 + getpid();
    alarm(30);
    ok("none yet", semget(key, 3, 0));
    ok("empty", semget(key, 0, IPC_CREAT | 0600));
    ok("too many", semget(key, 40000, IPC_CREAT | 0600));
    ok("make", s = semget(key, 3, IPC_CREAT | 0600));
    ok("larger", semget(key, 4, 0));
    yes("the same", semget(key, 0, 0) == s);
    ok("exclusive", semget(key, 3, IPC_CREAT | IPC_EXCL));
    show_all("new");
    ok("set all", semctl(s, 0, SETALL, values));
    show_all("set");
    ok("up", change(0, 4, 0));
    ok("down", change(1, -2, 0));
    ok("zero", change(1, 0, 0));
    ok("not zero", change(0, 0, IPC_NOWAIT));
    ok("not enough", change(2, -4, IPC_NOWAIT));
    ok("number", change(3, 1, 0));
    ok("range", change(0, 32767, 0));
    struct sembuf both[2] = {{0, -1, 0}, {1, -1, IPC_NOWAIT}};
    ok("all or nothing", semop(s, both, 2));
    show_all("after");
    ok("no operations", semop(s, both, 0));
    ok("many", semop(s, both, 501));
    ok("bad pointer", semop(s, (void *)16, 1));
    ok("bad id", semop(-1, both, 1));
    ok("no id", semop(s + 77777, both, 1));
    ok("time", syscall(SYS_semtimedop, s, &(struct sembuf){1, -1, 0}, 1, &soon));
    ok("wrong time", syscall(SYS_semtimedop, s, &(struct sembuf){1, -1, 0}, 1, &wrong));
    ok("bad time", syscall(SYS_semtimedop, s, both, 1, (void *)16));
    ok("value", semctl(s, 1, SETVAL, 9));
    show("get", semctl(s, 1, GETVAL));
    yes("pid", semctl(s, 1, GETPID) == getpid());
    ok("value range", semctl(s, 1, SETVAL, 40000));
    ok("value number", semctl(s, 5, SETVAL, 1));
    ok("command", semctl(s, 0, 99));
    ok("stat", semctl(s, 0, IPC_STAT, &ds));
    printf("%lu semaphores, mode %o, used %d\n", (unsigned long)ds.sem_nsems, ds.sem_perm.mode, ds.sem_otime != 0);
    ok("stat bad", semctl(s, 0, IPC_STAT, (void *)16));
    ds.sem_perm.mode = 0640;
    ok("mode", semctl(s, 0, IPC_SET, &ds));
    semctl(s, 0, SETALL, (unsigned short[3]){0, 0, 5});

    /* who waits longest goes first, and nobody can snatch */
    pid_t first = fork();
    if (!first)
        _exit(change(0, -1, 0) != 0);
    wait_for_waiters(0, GETNCNT, 1);
    pid_t second = fork();
    if (!second)
        _exit(change(0, -2, 0) != 0);
    wait_for_waiters(0, GETNCNT, 2);
    ok("one up", change(0, 1, 0));
    show_status("first", reap(first));
    show("one waits", semctl(s, 0, GETNCNT));
    ok("two up", change(0, 2, 0));
    ok("snatch", change(0, -1, IPC_NOWAIT));
    show_status("second", reap(second));

    /* SEM_UNDO */
    pid_t child = fork();
    if (!child) {
        change(2, -3, SEM_UNDO);
        change(1, 2, SEM_UNDO);
        show_all("child");
        _exit(0);
    }
    reap(child);
    show_all("undone");
    child = fork();
    if (!child) {
        change(2, -3, SEM_UNDO);
        semctl(s, 2, SETVAL, 7);
        _exit(0);
    }
    reap(child);
    show_all("forgotten");

    /* waiting for zero, signals, removal */
    child = fork();
    if (!child)
        _exit(change(2, 0, 0) != 0);
    wait_for_waiters(2, GETZCNT, 1);
    ok("to zero", semctl(s, 2, SETVAL, 0));
    show_status("child", reap(child));
    child = fork();
    if (!child) {
        signal(SIGUSR1, SIG_IGN);
        int result = change(0, -1, 0), reason = errno;
        usleep(100000); /* the one that removes it speaks first */
        errno = reason;
        ok("removed meanwhile", result);
        _exit(0);
    }
    wait_for_waiters(0, GETNCNT, 1);
    kill(child, SIGUSR1);
    pause_ms(10);
    ok("remove", semctl(s, 0, IPC_RMID));
    show_status("child", reap(child));
    ok("gone", change(0, 1, 0));
    return 0;
}
