/* pid namespaces: numbers inside, init and its signals, orphans, the end, /proc, ids in messages */
#include "ns.h"

#include <linux/nsfs.h>
#include <linux/sched.h>
#include <sys/mount.h>
#include <sys/ptrace.h>

static int news[2]; /* a pipe of lines for those who have no parent to tell */

static pid_t clone_into(unsigned long flags)
{
    return syscall(SYS_clone, flags | SIGCHLD, 0, 0, 0, 0);
}

static void numbers(void)
{
    show("pid before", getpid() > 1);
    ok("unshare", unshare(CLONE_NEWPID));
    ok("twice", unshare(CLONE_NEWPID));
    show("still the same", getpid() > 1);
    pid_t first = fork();
    if (!first) {
        show("pid", getpid());
        show("tid", syscall(SYS_gettid));
        show("parent", getppid());
        show("group", getpgrp());
        show("session", getsid(0));
        show("setsid", setsid());
        show("group", getpgrp());
        pid_t second = fork();
        if (!second) {
            show("second", getpid());
            show("its parent", getppid());
            show("its group", getpgrp());
            ok("signal the first", kill(1, 0));
            ok("nobody", kill(77, 0));
            show("own group", setpgid(0, 0));
            show("of the first", getpgid(1));
            _exit(3);
        }
        show("second's number", second);
        int status;
        show("waited for", waitpid(second, &status, 0));
        show_status("second", status);
        _exit(0);
    }
    show_status("first", reap(first));
    show("first's number is ours", first > 1);
    show("no more", fork());
    ok("errno", -1);
}

static volatile int told;
static volatile siginfo_t why;
static void note(int number, siginfo_t *info, void *context)
{
    (void)context;
    told = number;
    why = *info;
}

static void init_signals(void)
{
    int ready[2];
    char byte;
    pipe(ready);
    pid_t init = clone_into(CLONE_NEWPID);
    if (!init) {
        struct sigaction action = {.sa_sigaction = note, .sa_flags = SA_SIGINFO};
        sigaction(SIGUSR1, &action, NULL);
        pid_t other = fork();
        if (!other) {
            ok("kill -9 1", kill(1, SIGKILL));
            ok("kill -15 1", kill(1, SIGTERM));
            ok("kill -19 1", kill(1, SIGSTOP));
            ok("kill -10 1", kill(1, SIGUSR1));
            pause_ms(50);
            _exit(0);
        }
        int status;
        while (waitpid(other, &status, 0) < 0)
            ;
        show("still here", getpid());
        show("told", told);
        show("by", why.si_pid);
        told = 0;
        write(ready[1], "x", 1);
        while (!told)
            pause_ms(5);
        show("told from outside", told);
        show("by", why.si_pid);
        write(ready[1], "x", 1);
        for (;;)
            pause();
    }
    read(ready[0], &byte, 1);
    ok("from outside", kill(init, SIGUSR1));
    read(ready[0], &byte, 1);
    ok("TERM from outside", kill(init, SIGTERM));
    pause_ms(30);
    show("not ended", waitpid(init, NULL, WNOHANG));
    ok("KILL from outside", kill(init, SIGKILL));
    show_status("init", reap(init));
}

static void the_end(void)
{
    pipe(news);
    pid_t init = clone_into(CLONE_NEWPID);
    if (!init) {
        int ready[2];
        pipe(ready);
        if (!fork()) {
            setsid();
            if (!fork()) {
                signal(SIGTERM, SIG_IGN);
                write(ready[1], "x", 1);
                for (;;)
                    pause();
            }
            for (;;)
                pause();
        }
        char byte;
        read(ready[0], &byte, 1);
        _exit(5);
    }
    close(news[1]);
    char byte;
    show_status("init", reap(init));
    show("nobody holds the pipe", read(news[0], &byte, 1));
}

static void orphans(void)
{
    pid_t init = clone_into(CLONE_NEWPID);
    if (!init) {
        pid_t middle = fork();
        if (!middle) {
            if (!fork()) {
                while (getppid() != 1)
                    pause_ms(1);
                _exit(9);
            }
            _exit(1);
        }
        int status;
        for (int i = 0; i < 2; i++) {
            pid_t ended = wait(&status);
            show("ended", ended);
            show_status("how", status);
        }
        _exit(0);
    }
    show_status("init", reap(init));
}

static void cat_numbers(const char *path)
{
    FILE *file = fopen(path, "r");
    char line[256];
    while (file && fgets(line, sizeof line, file))
        if (!strncmp(line, "NS", 2) || !strncmp(line, "Pid", 3) || !strncmp(line, "PPid", 4))
            fputs(line, stdout);
    if (file)
        fclose(file);
    fflush(stdout);
}

static void processes(void)
{
    pid_t init = clone_into(CLONE_NEWPID | CLONE_NEWNS);
    if (!init) {
        mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL);
        char self[64] = "";
        show("self of outside", readlink("/proc/self", self, 63) > 0);
        ok("mount", mount("proc", "/proc", "proc", 0, NULL));
        self[readlink("/proc/self", self, 63)] = 0;
        printf("self %s\n", self);
        setsid();
        cat_numbers("/proc/self/status");
        pid_t second = fork();
        if (!second)
            for (;;)
                pause();
        DIR *directory = opendir("/proc");
        for (struct dirent *entry; (entry = readdir(directory));)
            if (entry->d_name[0] >= '0' && entry->d_name[0] <= '9')
                printf("%s\n", entry->d_name);
        closedir(directory);
        cat_numbers("/proc/2/status");
        char path[64];
        snprintf(path, sizeof path, "/proc/%d/stat", second);
        FILE *file = fopen(path, "r");
        int pid, parent, group, session;
        char name[64], state;
        fscanf(file, "%d %63s %c %d %d %d", &pid, name, &state, &parent, &group, &session);
        printf("stat %d %d %d %d\n", pid, parent, group, session);
        fclose(file);
        show("tasks", access("/proc/2/task/2/comm", F_OK));
        ok("kill", kill(second, SIGTERM));
        show_status("second", reap(second));
        int ns = open("/proc/self/ns/pid", O_RDONLY);
        show("type", ioctl(ns, NS_GET_NSTYPE) == CLONE_NEWPID);
        ok("parent of it", ioctl(ns, NS_GET_PARENT));
        _exit(0);
    }
    show_status("init", reap(init));
}

static void message(void)
{
    int pair[2], on = 1;
    socketpair(AF_UNIX, SOCK_DGRAM, 0, pair);
    setsockopt(pair[0], SOL_SOCKET, SO_PASSCRED, &on, sizeof on);
    setsockopt(pair[1], SOL_SOCKET, SO_PASSCRED, &on, sizeof on);
    pid_t init = clone_into(CLONE_NEWPID);
    char byte, control[64];
    struct iovec part = {&byte, 1};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = control,
                             .msg_controllen = sizeof control};
    int end = init ? 0 : 1;
    if (!init) {
        write(pair[1], "x", 1);
    } else {
        recvmsg(pair[0], &message, 0);
        struct ucred *sender = (void *)CMSG_DATA(CMSG_FIRSTHDR(&message));
        show("the child's number", sender->pid == init);
        write(pair[0], "x", 1);
    }
    if (!end) {
        show_status("init", reap(init));
        return;
    }
    recvmsg(pair[1], &message, 0);
    struct ucred *sender = (void *)CMSG_DATA(CMSG_FIRSTHDR(&message));
    show("the parent's number", sender->pid);
    _exit(0);
}

static void chosen(void)
{
    pid_t set_tid[1] = {1};
    struct clone_args args = {.flags = CLONE_NEWPID, .exit_signal = SIGCHLD,
                              .set_tid = (uintptr_t)set_tid, .set_tid_size = 1};
    pid_t init = syscall(SYS_clone3, &args, sizeof args);
    if (!init) {
        show("first", getpid());
        struct clone_args inner = {.exit_signal = SIGCHLD, .set_tid = (uintptr_t)set_tid,
                                   .set_tid_size = 1};
        set_tid[0] = 42;
        pid_t child = syscall(SYS_clone3, &inner, sizeof inner);
        if (!child)
            _exit(getpid());
        show("child", child);
        ok("taken", syscall(SYS_clone3, &inner, sizeof inner));
        show_status("child", reap(child));
        set_tid[0] = 0;
        ok("none", syscall(SYS_clone3, &inner, sizeof inner));
        inner.set_tid_size = 40;
        ok("too deep", syscall(SYS_clone3, &inner, sizeof inner));
        inner.set_tid_size = 0;
        ok("no size", syscall(SYS_clone3, &inner, sizeof inner));
        show("next", (child = fork()) ? child : (_exit(0), 0));
        _exit(0);
    }
    show_status("init", reap(init));
    set_tid[0] = 7;
    ok("7 without an init", syscall(SYS_clone3, &args, sizeof args));
}

static void entered(void)
{
    int ready[2];
    char byte;
    pipe(ready);
    pid_t init = clone_into(CLONE_NEWPID);
    if (!init) {
        write(ready[1], "x", 1);
        for (;;)
            pause();
    }
    read(ready[0], &byte, 1);
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/ns/pid", init);
    int ns = open(path, O_RDONLY);
    ok("wrong kind", setns(ns, CLONE_NEWUTS));
    ok("setns", setns(ns, CLONE_NEWPID));
    show("not myself", getpid() > 2);
    pid_t child = fork();
    if (!child) {
        show("inside", getpid());
        show("parent outside", getppid());
        show("first", getpgid(1) == 0);
        _exit(0);
    }
    show_status("child", reap(child));
    int pidfd = syscall(SYS_pidfd_open, getpid(), 0);
    ok("back, by a pidfd", setns(pidfd, CLONE_NEWPID));
    ok("kill", kill(init, SIGKILL));
    show_status("init", reap(init));
}

static void rebooted(void)
{
    static const struct { const char *name; int command; } commands[] = {
        {"restart", 0x01234567}, {"halt", (int)0xcdef0123}, {"power off", 0x4321fedc},
        {"ctrl-alt-del", 0}, {"nonsense", 12345},
    };
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
        pid_t init = clone_into(CLONE_NEWPID);
        if (!init) {
            pid_t other = fork();
            if (!other) {
                syscall(SYS_reboot, 0xfee1dead, 672274793, commands[i].command, 0);
                _exit(errno);
            }
            _exit(WEXITSTATUS(reap(other)) == EINVAL ? 22 : 1);
        }
        show_status(commands[i].name, reap(init));
    }
}

static void elsewhere(void)
{
    mkdir("/tmp/proc", 0755);
    ok("own mounts", unshare(CLONE_NEWUSER | CLONE_NEWNS));
    ok("proc of another's", mount("proc", "/tmp/proc", "proc", 0, NULL));
    ok("sysfs of another's", mount("sysfs", "/tmp/proc", "sysfs", 0, NULL));
    ok("mqueue of another's", mount("mqueue", "/tmp/proc", "mqueue", 0, NULL));
    ok("a device file system", mount("devtmpfs", "/tmp/proc", "devtmpfs", 0, NULL));
    ok("memory", mount("none", "/tmp/proc", "tmpfs", 0, NULL));
    rmdir("/tmp/proc");
}

static void threads(void)
{
    ok("unshare", unshare(CLONE_NEWPID));
    pthread_t thread;
    show("thread", pthread_create(&thread, NULL, (void *(*)(void *))exit, NULL));
}

int main(void)
{
    ok("base", unshare(CLONE_NEWUSER));
    in_child("numbers", numbers);
    in_child("signals of init", init_signals);
    in_child("the end", the_end);
    in_child("orphans", orphans);
    in_child("processes", processes);
    in_child("message", message);
    in_child("chosen", chosen);
    in_child("entered", entered);
    in_child("threads", threads);
    in_child("rebooted", rebooted);
    in_child("elsewhere", elsewhere);
    return 0;
}
