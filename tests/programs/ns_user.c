/* user and UTS namespaces: maps, capabilities inside and none outside, setgroups, names, setns */
#include "ns.h"

#include <linux/capability.h>
#include <linux/nsfs.h>

static void cat(const char *path)
{
    char text[512] = "";
    int fd = open(path, O_RDONLY);
    long size = read(fd, text, sizeof text - 1);
    close(fd);
    printf("%s:\n%s", path, size > 0 ? text : "(nothing)\n");
    fflush(stdout);
}

/* Print whether a capability is effective, and a few more facts of capget(2). */
static void caps(void)
{
    struct __user_cap_header_struct head = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct data[2];
    syscall(SYS_capget, &head, data);
    printf("effective %08x%08x inheritable %x\n", data[1].effective, data[0].effective,
           data[0].inheritable);
    show("bounded admin", prctl(PR_CAPBSET_READ, CAP_SYS_ADMIN));
}

static long setgroups_raw(int count)
{
    gid_t groups[1] = {20};
    return syscall(SYS_setgroups, (long)count, groups);
}

static void ids(void)
{
    uid_t r, e, s;
    getresuid(&r, &e, &s);
    printf("uid %d %d %d gid %d %d\n", r, e, s, getgid(), getegid());
    fflush(stdout);
}

static void nobody(void)
{
    ok("unshare", unshare(CLONE_NEWUSER));
    ids();
    caps();
    cat("/proc/self/uid_map");
    cat("/proc/self/setgroups");
    ok("setuid", setuid(0));
    ok("setgroups", setgroups_raw(0));
    struct stat st;
    stat("/", &st);
    printf("owner of / %d %d\n", st.st_uid, st.st_gid);
}

static void mapped(void)
{
    ok("unshare", unshare(CLONE_NEWUSER));
    ok("bad map", put("/proc/self/uid_map", "0 zero 1"));
    ok("empty map", put("/proc/self/uid_map", ""));
    ok("no size", put("/proc/self/uid_map", "0 0 0"));
    ok("too long", put("/proc/self/uid_map", "0 0 4294967295"));
    ok("overlapping", put("/proc/self/uid_map", "0 0 1\n0 1 1\n"));
    ok("allow", put("/proc/self/setgroups", "allow"));
    ok("nonsense", put("/proc/self/setgroups", "perhaps"));
    ok("deny", put("/proc/self/setgroups", "deny"));
    ok("allow again", put("/proc/self/setgroups", "allow"));
    ok("uid_map", put("/proc/self/uid_map", "10 0 1"));
    ok("again", put("/proc/self/uid_map", "10 0 1"));
    ok("gid_map", put("/proc/self/gid_map", "20 0 1"));
    cat("/proc/self/uid_map");
    cat("/proc/self/gid_map");
    cat("/proc/self/setgroups");
    ids();
    caps();
    ok("setuid 10", setuid(10));
    ok("setuid 11", setuid(11));
    ok("setgroups", setgroups_raw(1));
    int fd = open("/tmp/mine", O_CREAT | O_RDWR, 0600);
    struct stat st;
    fstat(fd, &st);
    printf("my file %d %d\n", st.st_uid, st.st_gid);
    ok("chown to 10", fchown(fd, 10, 20));
    ok("chown to 0", fchown(fd, 0, -1));
    close(fd);
    unlink("/tmp/mine");
}

static void outside(void)
{
    ok("unshare", unshare(CLONE_NEWUSER));
    put("/proc/self/setgroups", "deny");
    put("/proc/self/uid_map", "0 0 1");
    put("/proc/self/gid_map", "0 0 1");
    ids();
    ok("sethostname of the parent's", sethostname("inside", 6));
    ok("unshare uts", unshare(CLONE_NEWUTS));
    ok("sethostname", sethostname("inside", 6));
    struct utsname names;
    uname(&names);
    printf("name %s\n", names.nodename);
    ok("mknod", mknod("/tmp/null", S_IFCHR | 0600, 0x103));
    ok("settimeofday", settimeofday(&(struct timeval){1, 0}, NULL));
    ok("nice", setpriority(PRIO_PROCESS, 0, -5));
    ok("keep caps", prctl(PR_SET_KEEPCAPS, 1));
    ok("drop admin", prctl(PR_CAPBSET_DROP, CAP_SYS_ADMIN));
    show("bounded admin", prctl(PR_CAPBSET_READ, CAP_SYS_ADMIN));
    ok("nested", unshare(CLONE_NEWUSER));
    caps();
    ids();
}

static void names(void)
{
    struct utsname before, after;
    uname(&before);
    int mine = open("/proc/self/ns/uts", O_RDONLY);
    ok("unshare", unshare(CLONE_NEWUTS));
    uname(&after);
    show("copied", strcmp(before.nodename, after.nodename));
    ok("hostname", sethostname("elsewhere", 9));
    ok("domain", setdomainname("domain", 6));
    uname(&after);
    printf("%s.%s\n", after.nodename, after.domainname);
    cat("/proc/sys/kernel/hostname");
    ok("as ipc", setns(mine, CLONE_NEWIPC));
    ok("as anything", setns(mine, 0));
    uname(&after);
    show("back", strcmp(before.nodename, after.nodename));
    ok("bad descriptor", setns(-1, 0));
    int file = open("/proc/self/status", O_RDONLY);
    ok("no namespace", setns(file, 0));
    show("type", ioctl(mine, NS_GET_NSTYPE));
    ok("parent", ioctl(mine, NS_GET_PARENT));
    uid_t uid;
    ok("owner uid", ioctl(mine, NS_GET_OWNER_UID, &uid));
    int owner = ioctl(mine, NS_GET_USERNS);
    show("type of the owner", ioctl(owner, NS_GET_NSTYPE));
    struct stat a, b;
    fstat(owner, &a);
    stat("/proc/self/ns/user", &b);
    show("same namespace", a.st_dev == b.st_dev && a.st_ino == b.st_ino);
    ok("not a tty", ioctl(mine, TIOCGWINSZ, &b));
    ok("write", write(mine, "x", 1));
    ok("read", read(mine, &b, 1));
    ok("own user", setns(owner, CLONE_NEWUSER));
}

static void links(void)
{
    static const char *const kinds[] = {"ipc", "mnt", "net", "pid", "pid_for_children", "time",
                                        "time_for_children", "user", "uts"};
    char before[9][64], path[64];
    for (int i = 0; i < 9; i++) {
        snprintf(path, sizeof path, "/proc/self/ns/%s", kinds[i]);
        before[i][readlink(path, before[i], 63)] = 0;
    }
    ok("all at once", unshare(CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC |
                              CLONE_NEWNET | CLONE_NEWPID | CLONE_NEWTIME));
    for (int i = 0; i < 9; i++) {
        char now[64] = "";
        snprintf(path, sizeof path, "/proc/self/ns/%s", kinds[i]);
        long size = readlink(path, now, 63);
        printf("%s: %s\n", kinds[i],
               size < 0 ? error_name(errno) : strcmp(now, before[i]) ? "another" : "the same");
    }
}

static void flags(void)
{
    ok("nothing", unshare(0));
    ok("unknown", unshare(1));
    ok("vm", unshare(CLONE_VM));
    ok("user and fs shared", syscall(SYS_clone, CLONE_NEWUSER | CLONE_FS | SIGCHLD, 0, 0, 0, 0));
    ok("mnt and fs shared", syscall(SYS_clone, CLONE_NEWNS | CLONE_FS | SIGCHLD, 0, 0, 0, 0));
    ok("user and thread", syscall(SYS_clone, CLONE_NEWUSER | CLONE_THREAD | CLONE_SIGHAND |
                                  CLONE_VM, 0, 0, 0, 0));
    ok("chroot", chroot("/tmp"));
    ok("user in a chroot", unshare(CLONE_NEWUSER));
    ok("uts in a chroot", unshare(CLONE_NEWUTS));
}

int main(void)
{
    /* What starts this may be in a user namespace already: here everybody is, with one id. */
    ok("base", unshare(CLONE_NEWUSER | CLONE_NEWUTS | CLONE_NEWNS));
    put("/proc/self/setgroups", "deny");
    ok("its uid_map", put("/proc/self/uid_map", "0 0 1"));
    ok("its gid_map", put("/proc/self/gid_map", "0 0 1"));
    in_child("nobody", nobody);
    in_child("mapped", mapped);
    in_child("outside", outside);
    in_child("names", names);
    in_child("links", links);
    in_child("flags", flags);
    return 0;
}
