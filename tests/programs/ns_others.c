/* ipc, time, net and mnt namespaces; several entered at once by a pidfd; namespaces kept by mounts */
#include "ns.h"

#include <mqueue.h>
#include <sys/ipc.h>
#include <sys/mount.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/sysinfo.h>

#define KEY 0x5117

static void system_v(void)
{
    int id = shmget(KEY, 4096, IPC_CREAT | 0600);
    char *here = shmat(id, NULL, 0);
    strcpy(here, "outside");
    ok("queue", msgget(KEY, IPC_CREAT | 0600));
    ok("set", semget(KEY, 1, IPC_CREAT | 0600));
    mqd_t queue = mq_open("/ns", O_CREAT | O_RDWR, 0600, NULL);
    int outside = open("/proc/self/ns/ipc", O_RDONLY);
    ok("unshare", unshare(CLONE_NEWIPC));
    ok("segment", shmget(KEY, 0, 0));
    ok("queue", msgget(KEY, 0));
    ok("set", semget(KEY, 1, 0));
    ok("by its number", shmctl(id, IPC_STAT, &(struct shmid_ds){0}));
    printf("still mapped: %s\n", here);
    ok("posix queue", mq_open("/ns", O_RDWR));
    ok("still open", mq_send(queue, "x", 1, 0));
    int inside = shmget(KEY, 8192, IPC_CREAT | 0600);
    show("own segment", inside);
    struct shmid_ds info;
    ok("stat", shmctl(inside, IPC_STAT, &info));
    show("size", info.shm_segsz);
    ok("back", setns(outside, CLONE_NEWIPC));
    ok("stat", shmctl(id, IPC_STAT, &info));
    show("size", info.shm_segsz);
    show("attached", info.shm_nattch);
    ok("remove", shmctl(id, IPC_RMID, NULL));
    ok("remove", msgctl(msgget(KEY, 0), IPC_RMID, NULL));
    ok("remove", semctl(semget(KEY, 1, 0), 0, IPC_RMID));
    ok("remove", mq_unlink("/ns"));
}

static long seconds(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return now.tv_sec;
}

static void clocks(void)
{
    long monotonic = seconds(CLOCK_MONOTONIC), boot = seconds(CLOCK_BOOTTIME);
    long real = seconds(CLOCK_REALTIME);
    ok("not before", put("/proc/self/timens_offsets", "monotonic 10 0"));
    ok("unshare", unshare(CLONE_NEWTIME));
    ok("nonsense", put("/proc/self/timens_offsets", "monotonic ten 0"));
    ok("another clock", put("/proc/self/timens_offsets", "realtime 10 0"));
    ok("too much", put("/proc/self/timens_offsets", "monotonic 10 1000000000"));
    ok("before the start", put("/proc/self/timens_offsets", "monotonic -999999999 0"));
    ok("offsets", put("/proc/self/timens_offsets", "monotonic 105000 0\nboottime 200000 5\n"));
    show("not yet", seconds(CLOCK_MONOTONIC) - monotonic < 1000);
    pid_t child = fork();
    if (!child) {
        long passed = seconds(CLOCK_MONOTONIC) - monotonic;
        show("monotonic", passed / 1000);
        show("raw", (seconds(CLOCK_MONOTONIC_RAW) - monotonic) / 10000);
        show("coarse", (seconds(CLOCK_MONOTONIC_COARSE) - monotonic) / 10000);
        show("boottime", (seconds(CLOCK_BOOTTIME) - boot) / 1000);
        show("realtime", (seconds(CLOCK_REALTIME) - real) / 1000);
        struct sysinfo info;
        sysinfo(&info);
        show("uptime", (info.uptime - boot) / 10000);
        struct timespec then;
        clock_gettime(CLOCK_MONOTONIC, &then);
        then.tv_nsec += 20000000;
        if (then.tv_nsec >= 1000000000)
            then.tv_sec++, then.tv_nsec -= 1000000000;
        int64_t begun = now_ms();
        ok("sleep", clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &then, NULL));
        show("slept long enough", now_ms() - begun >= 18 && now_ms() - begun < 10000);
        int timer = timerfd_create(CLOCK_MONOTONIC, 0);
        clock_gettime(CLOCK_MONOTONIC, &then);
        struct itimerspec when = {.it_value = {then.tv_sec + 1000, 0}};
        ok("timer", timerfd_settime(timer, TFD_TIMER_ABSTIME, &when, NULL));
        timerfd_gettime(timer, &when);
        show("left", when.it_value.tv_sec / 100);
        ok("too late", put("/proc/self/timens_offsets", "monotonic 1 0"));
        _exit(0);
    }
    show_status("child", reap(child));
    ok("too late", put("/proc/self/timens_offsets", "monotonic 1 0"));
    int ns = open("/proc/self/ns/time_for_children", O_RDONLY);
    ok("setns", setns(ns, CLONE_NEWTIME));
    show("entered", (seconds(CLOCK_MONOTONIC) - monotonic) / 10000);
}

/* Print what the clock says to a program that was begun in a time namespace. */
static int again(void)
{
    struct sysinfo info;
    sysinfo(&info);
    show("uptime", info.uptime / 100000000);
    show("boottime", seconds(CLOCK_BOOTTIME) / 100000000);
    char now[64] = "", later[64] = "";
    readlink("/proc/self/ns/time", now, 63);
    readlink("/proc/self/ns/time_for_children", later, 63);
    show("in it", !strcmp(now, later));
    return 0;
}

static void execed(void)
{
    ok("unshare", unshare(CLONE_NEWTIME));
    ok("offsets", put("/proc/self/timens_offsets", "boottime 300000000 0"));
    execl("/proc/self/exe", "ns_others", "again", NULL);
    _exit(1);
}

static long bound(int type)
{
    int fd = socket(AF_UNIX, type, 0);
    struct sockaddr_un name = {AF_UNIX, "\0starry namespaces"};
    if (bind(fd, (void *)&name, 2 + 18) < 0)
        return -1;
    return listen(fd, 1) < 0 ? -1 : fd;
}

static long connected(void)
{
    struct sockaddr_un name = {AF_UNIX, "\0starry namespaces"};
    return connect(socket(AF_UNIX, SOCK_STREAM, 0), (void *)&name, 2 + 18);
}

static void network(void)
{
    ok("bind", bound(SOCK_STREAM));
    ok("again", bound(SOCK_STREAM));
    ok("connect", connected());
    ok("unshare", unshare(CLONE_NEWNET));
    ok("connect", connected());
    ok("bind", bound(SOCK_STREAM));
    ok("connect", connected());
}

static void mounts(void)
{
    mkdir("/tmp/place", 0755);
    int outside = open("/proc/self/ns/mnt", O_RDONLY);
    ok("unshare", unshare(CLONE_NEWNS));
    ok("private", mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL));
    chdir("/tmp/place");
    ok("mount", mount("none", "/tmp/place", "tmpfs", 0, "size=64k"));
    make_file("/tmp/place/inside", "x");
    ok("there", access("/tmp/place/inside", F_OK));
    ok("not in what is below", access("inside", F_OK));
    pid_t child = fork();
    if (!child) {
        pause();
        _exit(0);
    }
    ok("back", setns(outside, CLONE_NEWNS));
    ok("not here", access("/tmp/place/inside", F_OK));
    char root[8];
    show("cwd is /", getcwd(root, sizeof root) && !strcmp(root, "/"));
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/root/tmp/place/inside", child);
    ok("through its root", access(path, F_OK));
    int pidfd = syscall(SYS_pidfd_open, child, 0);
    ok("no flags", setns(pidfd, 0));
    ok("unknown flags", setns(pidfd, CLONE_VM));
    ok("by a pidfd", setns(pidfd, CLONE_NEWNS | CLONE_NEWUTS));
    ok("there", access("/tmp/place/inside", F_OK));
    kill(child, SIGKILL);
    reap(child);
    ok("of one that ended", setns(pidfd, CLONE_NEWNS));
    umount("/tmp/place");
    rmdir("/tmp/place");
}

static void kept(void)
{
    make_file("/tmp/kept", "");
    pid_t child = fork();
    if (!child) {
        ok("unshare", unshare(CLONE_NEWUTS));
        sethostname("kept", 4);
        kill(getpid(), SIGSTOP);
        _exit(0);
    }
    waitpid(child, NULL, WUNTRACED);
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/ns/uts", child);
    ok("bind", mount(path, "/tmp/kept", NULL, MS_BIND, NULL));
    kill(child, SIGCONT);
    show_status("child", reap(child));
    int ns = open("/tmp/kept", O_RDONLY);
    ok("setns", setns(ns, 0));
    struct utsname names;
    uname(&names);
    printf("name %s\n", names.nodename);
    struct statfs fs;
    fstatfs(ns, &fs);
    printf("file system %lx\n", (long)fs.f_type);
    close(ns);
    ok("umount", umount("/tmp/kept"));
    unlink("/tmp/kept");
}

static void refused(void)
{
    static const struct { const char *name; int flag; } kinds[] = {
        {"ipc", CLONE_NEWIPC}, {"mnt", CLONE_NEWNS}, {"net", CLONE_NEWNET},
        {"pid", CLONE_NEWPID}, {"time", CLONE_NEWTIME}, {"uts", CLONE_NEWUTS},
    };
    struct { unsigned version; int pid; } head = {0x20080522, 0};
    unsigned none[6] = {0};
    syscall(SYS_capset, &head, none);
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        char path[64];
        snprintf(path, sizeof path, "/proc/self/ns/%s", kinds[i].name);
        printf("%s ", kinds[i].name);
        ok("unshare", unshare(kinds[i].flag));
        printf("%s ", kinds[i].name);
        ok("setns", setns(open(path, O_RDONLY), kinds[i].flag));
        printf("%s ", kinds[i].name);
        ok("clone", kinds[i].flag & CSIGNAL ? (errno = EPERM, -1)
                    : syscall(SYS_clone, kinds[i].flag | SIGCHLD, 0, 0, 0, 0));
    }
}

int main(int argc, char **argv)
{
    if (argc == 2 && !strcmp(argv[1], "again"))
        return again();
    ok("base", unshare(CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWIPC | CLONE_NEWNET | CLONE_NEWUTS));
    put("/proc/self/setgroups", "deny");
    put("/proc/self/uid_map", "0 0 1");
    put("/proc/self/gid_map", "0 0 1");
    in_child("system v", system_v);
    in_child("clocks", clocks);
    in_child("execed", execed);
    in_child("network", network);
    in_child("mounts", mounts);
    in_child("kept", kept);
    in_child("refused", refused);
    return 0;
}
