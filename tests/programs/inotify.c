/* inotify: events of names, contents and attributes, their order, watches, errors */
#include "t.h"
#include <sys/inotify.h>

static int in;

static void show_events(const char *what)
{
    char data[4096] __attribute__((aligned(8)));
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
        if (e->mask & IN_ISDIR)
            printf("+dir");
        if (e->mask & IN_IGNORED)
            printf(" ignored");
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

int main(void)
{
    char b[32];
    int watch, fd, waiting;
    struct timespec times[2] = {{1, 0}, {2, 0}};
    alarm(30);
    ok("flags", inotify_init1(1));
    ok("init", in = inotify_init1(IN_NONBLOCK | IN_CLOEXEC));
    mkdir("d", 0755);
    ok("no mask", inotify_add_watch(in, "d", 0));
    ok("nothing there", inotify_add_watch(in, "nothing", IN_OPEN));
    ok("bad path", inotify_add_watch(in, (void *)16, IN_OPEN));
    ok("no inotify", inotify_add_watch(1, "d", IN_OPEN));
    ok("closed", inotify_add_watch(99, "d", IN_OPEN));
    ok("add and create", inotify_add_watch(in, "d", IN_OPEN | IN_MASK_ADD | IN_MASK_CREATE));
    show("watch", watch = inotify_add_watch(in, "d", IN_ALL_EVENTS));
    show("again", inotify_add_watch(in, "d", IN_ALL_EVENTS));
    ok("must be new", inotify_add_watch(in, "d", IN_OPEN | IN_MASK_CREATE));
    show_events("nothing yet");
    fd = open("d/file", O_RDWR | O_CREAT, 0644);
    show_events("create");
    write(fd, "text", 4);
    write(fd, "more", 4);
    show_events("write");
    pread(fd, b, 4, 0);
    pread(fd, b, 4, 100);
    show_events("read");
    ftruncate(fd, 2);
    fchmod(fd, 0600);
    futimens(fd, times);
    show_events("change");
    int copy = dup(fd);
    close(copy);
    show_events("not closed yet");
    close(fd);
    show_events("close");
    close(open("d/file", O_RDONLY));
    show_events("open and close");
    inotify_add_watch(in, "d", IN_MODIFY); /* kernels differ in when they tell of the opening */
    close(open("d/file", O_WRONLY | O_TRUNC));
    close(open("d/file2", O_WRONLY | O_CREAT | O_TRUNC, 0600));
    show_events("truncate");
    unlink("d/file2");
    inotify_add_watch(in, "d", IN_ALL_EVENTS);
    ok("watch the file", inotify_add_watch(in, "d/file", IN_ALL_EVENTS));
    ok("a file is no folder", inotify_add_watch(in, "d/file", IN_OPEN | IN_ONLYDIR));
    link("d/file", "d/second");
    show_events("link");
    unlink("d/second");
    show_events("unlink the link");
    rename("d/file", "d/renamed");
    show_events("rename");
    mkdir("e", 0755);
    rename("d/renamed", "e/moved");
    show_events("move out");
    rename("e/moved", "d/back");
    show_events("move in");
    make_file("d/victim", "");
    show_events("victim");
    rename("d/victim", "d/back");
    show_events("replace");
    symlink("x", "d/link");
    mkdir("d/sub", 0755);
    show_events("link and folder");
    ok("watch it", inotify_add_watch(in, "d/sub", IN_ALL_EVENTS));
    rmdir("d/sub");
    show_events("folder removed");
    ok("watch once", inotify_add_watch(in, "d/back", IN_OPEN | IN_ONESHOT));
    close(open("d/back", O_RDONLY));
    show_events("once");
    ok("watch open file", inotify_add_watch(in, "d/back", IN_ALL_EVENTS));
    fd = open("d/back", O_RDONLY);
    unlink("d/back");
    show_events("removed while open");
    close(fd);
    show_events("closed for ever");
    make_file("d/gone", "");
    ok("watch it", inotify_add_watch(in, "d/gone", IN_ALL_EVENTS));
    show_events("another");
    unlink("d/gone");
    show_events("gone");
    make_file("d/x", "");
    show("too small", read(in, b, 16));
    ioctl(in, FIONREAD, &waiting);
    printf("%d bytes\n", waiting);
    show_events("enough");
    show("only deletes", inotify_add_watch(in, "d", IN_DELETE));
    make_file("d/y", "");
    show_events("not wanted");
    show("creates too", inotify_add_watch(in, "d", IN_CREATE | IN_MASK_ADD));
    make_file("d/z", "");
    unlink("d/y");
    show_events("wanted");
    ok("remove", inotify_rm_watch(in, watch));
    ok("again", inotify_rm_watch(in, watch));
    ok("no inotify", inotify_rm_watch(1, 1));
    show_events("ignored");
    make_file("d/w", "");
    show_events("nobody watches");
    fcntl(in, F_SETFL, 0);
    show("waiting", inotify_add_watch(in, "d", IN_CREATE));
    pid_t child = fork();
    if (!child) {
        pause_ms(20);
        make_file("d/late", "");
        _exit(0);
    }
    show_events("waited for");
    reap(child);
    return 0;
}
