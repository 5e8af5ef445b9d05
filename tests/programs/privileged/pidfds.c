/* what a pidfd tells of its process, and how pid namespaces translate numbers (Linux 6.13) */
#include "../t.h"

#include <sys/ioctl.h>

#define GET(number) (0xff00 | number)
struct facts {
    uint64_t mask, cgroup;
    uint32_t pid, tgid, ppid, ids[8];
    int32_t exit_code;
};

static void asked(void)
{
    static const char *const kinds[] = {"ipc", "mnt", "net", "pid", "pid_for_children", "time",
                                        "time_for_children", "user", "uts"};
    pid_t child = fork();
    if (!child) {
        pause();
        _exit(0);
    }
    int pidfd = syscall(SYS_pidfd_open, child, 0);
    for (int i = 0; i < 9; i++) {
        char path[64];
        struct stat theirs, mine;
        snprintf(path, sizeof path, "/proc/self/ns/%s", kinds[i]);
        int ns = ioctl(pidfd, GET((i + 2)), 0);
        show(kinds[i], !fstat(ns, &theirs) && !stat(path, &mine) && theirs.st_ino == mine.st_ino);
        show("closed by execve", fcntl(ns, F_GETFD));
    }
    ok("an argument", ioctl(pidfd, GET(10), 1));
    ok("no such request", ioctl(pidfd, GET(99), 0));
    struct facts facts = {.mask = 3};
    unsigned long info = 0xc000ff0b | sizeof facts << 16;
    ok("info", ioctl(pidfd, info, &facts));
    show("mask", facts.mask & 11);
    show("its number", facts.pid == (uint32_t)child && facts.tgid == facts.pid);
    show("mine", facts.ppid == (uint32_t)getpid());
    show("ids", facts.ids[0] + facts.ids[1] + facts.ids[6] + facts.ids[7]);
    ok("no room", ioctl(pidfd, 0xc000ff0b | 32ul << 16, &facts));
    ok("nowhere", ioctl(pidfd, info, NULL));
    kill(child, SIGTERM);
    reap(child);
    ok("of one that ended", ioctl(pidfd, GET(10), 0));
    facts.mask = 3;
    ok("info", ioctl(pidfd, info, &facts));
    facts.mask = 8;
    ok("how it ended", ioctl(pidfd, info, &facts));
    show("mask", facts.mask & 11);
    show("status", facts.exit_code);
}

#define FROM(what) (0x8004b700 | what)

static void translated(void)
{
    int ready[2];
    char byte, path[64];
    pipe(ready);
    pid_t init = syscall(SYS_clone, CLONE_NEWPID | SIGCHLD, 0, 0, 0, 0);
    if (!init) {
        write(ready[1], "x", 1);
        for (;;)
            pause();
    }
    read(ready[0], &byte, 1);
    snprintf(path, sizeof path, "/proc/%d/ns/pid", init);
    int ns = open(path, O_RDONLY);
    show("inside", ioctl(ns, FROM(8), init));
    show("process inside", ioctl(ns, FROM(9), init));
    show("outside", ioctl(ns, FROM(6), 1) == init);
    show("process outside", ioctl(ns, FROM(7), 1) == init);
    ok("nobody", ioctl(ns, FROM(6), 2));
    ok("not inside", ioctl(ns, FROM(8), getpid()));
    int uts = open("/proc/self/ns/uts", O_RDONLY);
    ok("not of this kind", ioctl(uts, FROM(6), 1));
    uint64_t number = 0;
    int mnt = open("/proc/self/ns/mnt", O_RDONLY);
    ok("of a mount namespace", ioctl(mnt, 0x8008b705, &number));
    show("there is one", number != 0);
    ok("of another", ioctl(uts, 0x8008b705, &number));
    kill(init, SIGKILL);
    show_status("init", reap(init));
}

int main(void)
{
    asked();
    translated();
    return 0;
}
