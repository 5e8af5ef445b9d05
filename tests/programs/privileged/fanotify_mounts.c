/* fanotify of mounts: what comes and goes in a mount namespace (FAN_REPORT_MNT, Linux 6.14) */
#include "../t.h"
#include <sys/fanotify.h>
#include <sys/mount.h>

#define REPORT_MNT 0x4000
#define MARK_MNTNS 0x110
#define MNT_ATTACH 0x1000000
#define MNT_DETACH_EVENT 0x2000000

static struct { const char *name; uint64_t id; } known[32];
static int knows;

static void know(const char *name, const char *path)
{
    struct { struct file_handle head; unsigned char data[MAX_HANDLE_SZ]; } h = {.head.handle_bytes = MAX_HANDLE_SZ};
    uint64_t id = 0;
    if (name_to_handle_at(AT_FDCWD, path, &h.head, (int *)&id, 1) < 0)
        printf("%s: %s\n", path, error_name(errno));
    known[knows].name = name;
    known[knows++].id = id;
}

static const char *called(uint64_t id)
{
    for (int i = knows; i--;)
        if (known[i].id == id)
            return known[i].name;
    return "?";
}

static void show_events(const char *what, int fan)
{
    static char data[8192] __attribute__((aligned(8)));
    long n;
    printf("%s:", what);
    while ((n = read(fan, data, sizeof data)) > 0)
        for (struct fanotify_event_metadata *e = (void *)data; FAN_EVENT_OK(e, n); e = FAN_EVENT_NEXT(e, n)) {
            const unsigned char *record = (void *)(e + 1);
            printf(" %s%s%s %s %d %d", e->mask & MNT_ATTACH ? "attach" : "", e->mask == (MNT_ATTACH | MNT_DETACH_EVENT) ? "+" : "",
                   e->mask & MNT_DETACH_EVENT ? "detach" : "", called(*(uint64_t *)(record + 8)), e->event_len, e->fd);
            printf(e->pid == getpid() ? " me %d;" : " other %d;", record[0]);
        }
    if (errno != EAGAIN)
        printf(" %s", error_name(errno));
    puts("");
    fflush(stdout);
}

int main(void)
{
    alarm(30);
    unshare(CLONE_NEWNS);
    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL);
    ok("with handles", fanotify_init(REPORT_MNT | FAN_REPORT_FID, 0));
    ok("content", fanotify_init(REPORT_MNT | FAN_CLASS_CONTENT, 0));
    int fan = fanotify_init(REPORT_MNT | FAN_NONBLOCK, 0), plain = fanotify_init(FAN_NONBLOCK, 0);
    ok("no namespace", fanotify_mark(fan, FAN_MARK_ADD | MARK_MNTNS, MNT_ATTACH, AT_FDCWD, "."));
    ok("another namespace", fanotify_mark(fan, FAN_MARK_ADD | MARK_MNTNS, MNT_ATTACH, AT_FDCWD, "/proc/self/ns/uts"));
    ok("another event", fanotify_mark(fan, FAN_MARK_ADD | MARK_MNTNS, FAN_OPEN, AT_FDCWD, "/proc/self/ns/mnt"));
    ok("another mark", fanotify_mark(fan, FAN_MARK_ADD, MNT_ATTACH, AT_FDCWD, "/proc/self/ns/mnt"));
    ok("another group", fanotify_mark(plain, FAN_MARK_ADD | MARK_MNTNS, MNT_ATTACH, AT_FDCWD, "/proc/self/ns/mnt"));
    ok("file in it", fanotify_mark(plain, FAN_MARK_ADD, MNT_ATTACH, AT_FDCWD, "."));
    ok("none to remove", fanotify_mark(fan, FAN_MARK_REMOVE | MARK_MNTNS, MNT_ATTACH, AT_FDCWD, "/proc/self/ns/mnt"));
    ok("mark", fanotify_mark(fan, FAN_MARK_ADD | MARK_MNTNS, MNT_ATTACH | MNT_DETACH_EVENT, AT_FDCWD, "/proc/self/ns/mnt"));
    mkdir("m", 0755);
    mkdir("n", 0755);
    ok("mount", mount("none", "m", "tmpfs", 0, NULL));
    know("m", "m");
    show_events("mounted", fan);
    mkdir("m/below", 0755);
    ok("mount", mount("none", "m/below", "tmpfs", 0, NULL));
    know("m/below", "m/below");
    show_events("mounted below", fan);
    ok("bind", mount("m", "n", NULL, MS_BIND, NULL));
    know("n", "n");
    show_events("bound", fan);
    ok("umount", umount("n"));
    show_events("unmounted", fan);
    ok("bind all", mount("m", "n", NULL, MS_BIND | MS_REC, NULL));
    know("n again", "n");
    know("n/below", "n/below");
    show_events("both bound", fan);
    mkdir("there", 0755);
    ok("move", mount("n", "there", NULL, MS_MOVE, NULL));
    show_events("moved", fan);
    ok("lazily", umount2("there", MNT_DETACH));
    show_events("gone", fan);
    ok("remount", mount(NULL, "m", NULL, MS_REMOUNT | MS_RDONLY, NULL));
    show_events("remounted", fan);
    ok("only attach", fanotify_mark(fan, FAN_MARK_REMOVE | MARK_MNTNS, MNT_DETACH_EVENT, AT_FDCWD, "/proc/self/ns/mnt"));
    ok("umount", umount("m/below"));
    show_events("not told", fan);
    int fs = syscall(430, "tmpfs", 0), mounted;
    syscall(431, fs, 6, NULL, NULL, 0);
    mounted = syscall(432, fs, 0, 0);
    show_events("attached to nothing yet", fan);
    ok("move_mount", syscall(429, mounted, "", AT_FDCWD, "n", 4));
    know("new", "n");
    show_events("new", fan);
    if (!fork()) {
        unshare(CLONE_NEWNS);
        umount("n");
        mount("none", "m", "tmpfs", 0, NULL);
        _exit(0);
    }
    wait(NULL);
    show_events("elsewhere", fan);
    ok("flush", fanotify_mark(fan, FAN_MARK_FLUSH | MARK_MNTNS, 0, AT_FDCWD, "."));
    umount("n");
    umount("m");
    show_events("nobody listens", fan);
    return 0;
}
