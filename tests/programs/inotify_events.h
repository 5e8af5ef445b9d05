/* An inotify instance, and its events in words. */
#include "t.h"
#include <sys/inotify.h>

static int in;

static void show_events(const char *what)
{
    char data[8192] __attribute__((aligned(8)));
    static const char *const names[] = {"access", "modify", "attrib", "close_write", "close_nowrite", "open",
                                        "moved_from", "moved_to", "create", "delete", "delete_self", "move_self"};
    unsigned cookie = 0;
    long n = read(in, data, sizeof data);
    printf("%s:", what);
    if (n < 0)
        printf(" %s", error_name(errno));
    for (long at = 0; at < n;) {
        struct inotify_event *e = (void *)(data + at);
        printf(" %d", e->wd);
        for (int i = 0; i < 12; i++)
            if (e->mask & 1u << i)
                printf(" %s", names[i]);
        printf("%s%s%s%s", e->mask & IN_ISDIR ? "+dir" : "", e->mask & IN_IGNORED ? " ignored" : "",
               e->mask & IN_UNMOUNT ? " unmount" : "", e->mask & IN_Q_OVERFLOW ? " overflow" : "");
        if (e->len)
            printf("(%s/%u)", e->name, e->len);
        if (e->cookie)
            printf(e->cookie == cookie ? " same" : " cookie");
        cookie = e->cookie;
        at += sizeof *e + e->len;
        printf(at < n ? "," : "");
    }
    puts("");
    fflush(stdout);
}
