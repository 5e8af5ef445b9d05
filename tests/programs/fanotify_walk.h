/* Random steps in a tree of files, random marks and watches, and what is heard of them. */
#include "fanotify_names.h"
#include <sys/inotify.h>

#define GROUPS 3
static const char *const folders[] = {"a", "b", "a/s"};
static const char *const leaves[] = {"f", "g", "s"};
static int groups[GROUPS], in, held[4] = {-1, -1, -1, -1};
static uint64_t state;

/* What a program of this kind says for itself: */
static const char *somewhere(char *path);
static unsigned long long fitting(int group, unsigned long long mask, int *flags);

static unsigned any(unsigned below)
{
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)(state >> 33) % below;
}

/* Call a new file by a number. */
static void name_it(const char *path)
{
    static int number;
    if (knows == 60)
        knows = 0;
    char label[16];
    int before = knows;
    struct stat st;
    if (lstat(path, &st) < 0)
        return;
    know(path);
    snprintf(label, sizeof label, "n%d", number++);
    known[before].name = strdup(label);
}

static void hear(void)
{
    static char data[65536] __attribute__((aligned(8)));
    long n;
    for (int i = 0; i < GROUPS; i++)
        while ((n = read(groups[i], data, sizeof data)) > 0)
            for (const struct fanotify_event_metadata *e = (void *)data; FAN_EVENT_OK(e, n); e = FAN_EVENT_NEXT(e, n)) {
                printf(" %d", i);
                show_event(e, getpid());
            }
    while ((n = read(in, data, sizeof data)) > 0)
        for (long at = 0; at < n;) {
            struct inotify_event *e = (void *)(data + at);
            printf("  i  wd %d %x %s%s\n", e->wd, e->mask, e->len ? e->name : "", e->cookie ? " cookie" : "");
            at += sizeof *e + e->len;
        }
}

static void mark(void)
{
    static const unsigned long long each[] = {FAN_ACCESS, FAN_MODIFY, FAN_ATTRIB, FAN_CLOSE_WRITE, FAN_CLOSE_NOWRITE, FAN_OPEN,
        FAN_MOVED_FROM, FAN_MOVED_TO, FAN_CREATE, FAN_DELETE, FAN_DELETE_SELF, FAN_MOVE_SELF, FAN_RENAME, FAN_ONDIR, FAN_EVENT_ON_CHILD};
    char path[64];
    unsigned long long mask = 0;
    int group = any(GROUPS), flags = any(6) ? FAN_MARK_ADD : FAN_MARK_REMOVE;
    for (size_t i = 0; i < sizeof each / sizeof *each; i++)
        if (any(3))
            mask |= each[i];
    mask = fitting(group, mask, &flags);
    if (!any(3))
        flags |= any(2) ? FAN_MARK_IGNORED_MASK : FAN_MARK_IGNORE;
    if (!any(2))
        flags |= FAN_MARK_IGNORED_SURV_MODIFY;
    somewhere(path);
    printf("mark %d %x %llx %s: ", group, flags, mask, path);
    ok("", fanotify_mark(groups[group], flags, mask, AT_FDCWD, path));
}

static void watch(void)
{
    char path[64];
    unsigned mask = (any(0x1000) | IN_OPEN) & IN_ALL_EVENTS;
    mask |= any(4) ? 0 : IN_MASK_ADD;
    mask |= any(6) ? 0 : IN_ONESHOT;
    mask |= any(6) ? 0 : IN_EXCL_UNLINK;
    printf("watch %x %s: ", mask, somewhere(path));
    show("", inotify_add_watch(in, path, mask));
}

static void step(void)
{
    char from[64], to[64], b[4];
    int slot = any(4), fd;
    somewhere(from);
    somewhere(to);
    switch (any(16)) {
    case 0: case 1:
        printf("make %s: ", from);
        ok("", fd = open(from, O_CREAT | O_EXCL | O_RDWR, 0644));
        if (fd >= 0) {
            name_it(from);
            close(fd);
        }
        break;
    case 2:
        printf("mkdir %s: ", from);
        if (ok("", mkdir(from, 0755)) == 0)
            name_it(from);
        break;
    case 3:
        printf("unlink %s: ", from);
        ok("", unlink(from));
        break;
    case 4:
        printf("rmdir %s: ", from);
        ok("", rmdir(from));
        break;
    case 5: case 6:
        printf("rename %s %s: ", from, to);
        ok("", rename(from, to));
        break;
    case 7:
        printf("exchange %s %s: ", from, to);
        ok("", syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 2));
        break;
    case 8:
        printf("link %s %s: ", from, to);
        ok("", link(from, to));
        break;
    case 9:
        printf("open %d %s: ", slot, from);
        fd = open(from, any(2) ? O_RDONLY : O_RDWR);
        ok("", fd);
        if (fd >= 0) {
            if (held[slot] >= 0)
                close(held[slot]);
            held[slot] = fd;
        }
        break;
    case 10:
        printf("close %d: ", slot);
        ok("", close(held[slot]));
        held[slot] = -1;
        break;
    case 11:
        printf("write %d: ", slot);
        ok("", write(held[slot], "xyz", 3));
        break;
    case 12:
        printf("read %d: ", slot);
        ok("", pread(held[slot], b, 4, 0));
        break;
    case 13:
        printf("truncate %s: ", from);
        ok("", truncate(from, slot));
        break;
    case 14:
        printf("chmod %s: ", from);
        ok("", chmod(from, any(2) ? 0700 : 0755));
        break;
    case 15:
        printf("symlink %s: ", from);
        if (ok("", symlink("x", from)) == 0)
            name_it(from);
        break;
    }
}

static void walk(const unsigned modes[GROUPS], uint64_t seed, int steps)
{
    state = seed;
    in = inotify_init1(IN_NONBLOCK);
    for (int i = 0; i < GROUPS; i++)
        groups[i] = fanotify_init(modes[i] | FAN_NONBLOCK, O_RDONLY);
    for (int i = 0; i < steps; i++) {
        switch (any(14)) {
        case 0:
            mark();
            break;
        case 1:
            watch();
            break;
        default:
            step();
        }
        if (!any(3))
            hear();
    }
    hear();
}
