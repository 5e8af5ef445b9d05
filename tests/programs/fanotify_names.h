/* Shared by the programs about fanotify: events in words. A file is called by the name that `know` gave it. */
#include "t.h"
#include <sys/fanotify.h>
#ifndef FAN_FS_ERROR
#define FAN_FS_ERROR 0x8000
#endif
#ifndef FAN_RENAME
#define FAN_RENAME 0x10000000
#endif
#ifndef FAN_REPORT_TARGET_FID
#define FAN_REPORT_TARGET_FID 0x1000
#endif
#ifndef FAN_REPORT_PIDFD
#define FAN_REPORT_PIDFD 0x80
#endif
#ifndef FAN_MARK_EVICTABLE
#define FAN_MARK_EVICTABLE 0x200
#endif
#ifndef FAN_MARK_IGNORE
#define FAN_MARK_IGNORE 0x400
#endif
#ifndef AT_HANDLE_FID
#define AT_HANDLE_FID 0x200
#endif
#define NAMED (FAN_CLASS_NOTIF | FAN_REPORT_DIR_FID | FAN_REPORT_NAME)

static struct known {
    const char *name;
    unsigned bytes;
    int type;
    unsigned char data[MAX_HANDLE_SZ];
} known[64];
static int knows;

static void know(const char *path)
{
    struct known *k = &known[knows++];
    int mount;
    struct { struct file_handle head; unsigned char data[MAX_HANDLE_SZ]; } h = {.head.handle_bytes = MAX_HANDLE_SZ};
    if (name_to_handle_at(AT_FDCWD, path, &h.head, &mount, AT_HANDLE_FID) < 0) {
        printf("%s: no handle: %s\n", path, error_name(errno));
        exit(98);
    }
    k->name = strdup(path);
    k->bytes = h.head.handle_bytes;
    k->type = h.head.handle_type;
    memcpy(k->data, h.head.f_handle, k->bytes);
}

static const char *called(const struct file_handle *h)
{
    for (int i = knows; i--;)
        if (known[i].bytes == h->handle_bytes && known[i].type == h->handle_type &&
            !memcmp(known[i].data, h->f_handle, h->handle_bytes))
            return known[i].name;
    return "?";
}

static void show_record(const struct fanotify_event_info_header *header)
{
    static const char *const types[] = {"0", "fid", "dfid_name", "dfid", "pidfd", "error", "6", "7", "8", "9", "old", "11", "new"};
    printf(" [%s", types[header->info_type]);
    if (header->info_type == 4) {
        int fd = ((const int *)header)[1];
        printf(" %s", fd >= 0 ? "open" : fd == -1 ? "none" : "error");
        if (fd >= 0)
            close(fd);
    } else {
        const struct fanotify_event_info_fid *fid = (const void *)header;
        const struct file_handle *h = (const void *)fid->handle;
        const char *name = (const char *)h->f_handle + h->handle_bytes;
        struct statfs here;
        statfs(".", &here);
        printf(" %s", called(h));
        if (header->info_type != 1 && header->info_type != 3)
            printf(" \"%s\"", name);
        if (memcmp(&fid->fsid, &here.f_fsid, sizeof fid->fsid))
            printf(" elsewhere");
        printf(" %d", (int)(header->len - sizeof *fid - sizeof *h - h->handle_bytes));
    }
    printf("]");
}

static void show_event(const struct fanotify_event_metadata *e, pid_t self)
{
    static const struct { unsigned long long bit; const char *name; } names[] = {
        {FAN_ACCESS, "access"}, {FAN_MODIFY, "modify"}, {FAN_ATTRIB, "attrib"}, {FAN_CLOSE_WRITE, "close_write"},
        {FAN_CLOSE_NOWRITE, "close_nowrite"}, {FAN_OPEN, "open"}, {FAN_MOVED_FROM, "moved_from"},
        {FAN_MOVED_TO, "moved_to"}, {FAN_CREATE, "create"}, {FAN_DELETE, "delete"}, {FAN_DELETE_SELF, "delete_self"},
        {FAN_MOVE_SELF, "move_self"}, {FAN_OPEN_EXEC, "open_exec"}, {FAN_Q_OVERFLOW, "overflow"},
        {FAN_OPEN_PERM, "open_perm"}, {FAN_ACCESS_PERM, "access_perm"}, {FAN_OPEN_EXEC_PERM, "open_exec_perm"},
        {FAN_RENAME, "rename"}, {FAN_ONDIR, "ondir"}, {FAN_EVENT_ON_CHILD, "on_child"}};
    unsigned long long left = e->mask;
    printf("   ");
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (left & names[i].bit) {
            printf(" %s", names[i].name);
            left &= ~names[i].bit;
        }
    if (left)
        printf(" %llx", left);
    if (e->vers != FANOTIFY_METADATA_VERSION || e->metadata_len != sizeof *e)
        printf(" version %d length %d", e->vers, e->metadata_len);
    printf(e->pid == self ? " me" : e->pid ? " other" : " nobody");
    if (e->fd >= 0) {
        char link[64], path[256] = "";
        snprintf(link, sizeof link, "/proc/self/fd/%d", e->fd);
        ssize_t n = readlink(link, path, sizeof path - 1);
        path[n > 0 ? n : 0] = 0;
        printf(" %s flags %o", path, fcntl(e->fd, F_GETFL));
        if (fcntl(e->fd, F_GETFD))
            printf(" cloexec");
    } else if (e->fd != FAN_NOFD)
        printf(" %s", error_name(-e->fd));
    const char *end = (const char *)e + e->event_len;
    for (const char *at = (const char *)(e + 1); at < end; at += ((const struct fanotify_event_info_header *)at)->len)
        show_record((const void *)at);
    puts("");
}

/* Show what is in the queue; files are closed. Returns how many events there were. */
static inline int show_queue(const char *what, int fan)
{
    static char data[65536] __attribute__((aligned(8)));
    int count = 0;
    long n;
    printf("%s\n", what);
    while ((n = read(fan, data, sizeof data)) > 0)
        for (const struct fanotify_event_metadata *e = (void *)data; FAN_EVENT_OK(e, n); e = FAN_EVENT_NEXT(e, n)) {
            show_event(e, getpid());
            if (e->fd >= 0)
                close(e->fd);
            count++;
        }
    if (n < 0 && errno != EAGAIN)
        printf("    %s\n", error_name(errno));
    fflush(stdout);
    return count;
}
