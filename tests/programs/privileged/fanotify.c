/* fanotify as root may use it: open files in events, marks of mounts and file systems, permission */
#include "../fanotify_names.h"
#include <sys/mount.h>

static pid_t opener(const char *path, int flags)
{
    pid_t child = fork();
    if (!child) {
        char b[4];
        syscall(SYS_close_range, 3, ~0u, 0); /* the group ends with its last descriptor */
        int fd = open(path, flags, 0600);
        if (fd < 0)
            _exit(errno);
        if ((flags & O_ACCMODE) != O_WRONLY && read(fd, b, 4) < 0)
            _exit(errno + 100);
        _exit(0);
    }
    return child;
}

/* Wait for a question, show it, answer it. */
static void answer(const char *what, int fan, unsigned response)
{
    static char data[4096] __attribute__((aligned(8)));
    struct pollfd ready = {fan, POLLIN, 0};
    poll(&ready, 1, -1);
    printf("%s\n", what);
    if (read(fan, data, sizeof data) < 0) {
        printf("    %s\n", error_name(errno));
        return;
    }
    struct fanotify_event_metadata *e = (void *)data;
    show_event(e, getpid());
    struct fanotify_response reply = {e->fd, response};
    ok("    answer", write(fan, &reply, sizeof reply));
    close(e->fd);
}

static void plain(void)
{
    int fan = fanotify_init(FAN_CLASS_NOTIF | FAN_NONBLOCK | FAN_CLOEXEC, O_RDONLY | O_CLOEXEC), fd;
    char b[8];
    make_file("d/file", "text");
    yes("close on exec", fcntl(fan, F_GETFD) == FD_CLOEXEC);
    ok("create has no file", fanotify_mark(fan, FAN_MARK_ADD, FAN_CREATE, AT_FDCWD, "d"));
    ok("attrib has none", fanotify_mark(fan, FAN_MARK_ADD, FAN_ATTRIB, AT_FDCWD, "d"));
    ok("mark", fanotify_mark(fan, FAN_MARK_ADD, FAN_OPEN | FAN_ACCESS | FAN_MODIFY | FAN_CLOSE | FAN_EVENT_ON_CHILD | FAN_ONDIR, AT_FDCWD, "d"));
    fd = open("d/file", O_RDWR);
    read(fd, b, 4);
    write(fd, b, 4);
    show_queue("one event", fan);
    ftruncate(fd, 1);
    show_queue("truncate has no file", fan);
    close(fd);
    show_queue("close", fan);
    close(open("d/file", O_PATH));
    show_queue("O_PATH", fan);
    DIR *list = opendir("d");
    while (readdir(list))
        ;
    closedir(list);
    show_queue("folder", fan);
    mkfifo("d/fifo", 0600);
    close(open("d/fifo", O_RDWR));
    show_queue("fifo", fan);
    close(open("d/new", O_CREAT | O_WRONLY, 0600));
    show_queue("created", fan);
    close(open("d/file", O_WRONLY | O_TRUNC));
    show_queue("O_TRUNC", fan);
    fd = open("d/new", O_RDONLY);
    unlink("d/new");
    close(fd);
    show_queue("deleted", fan);
    unlink("d/fifo");
    close(fan);
    fan = fanotify_init(FAN_CLASS_NOTIF | FAN_NONBLOCK, O_RDWR | O_APPEND);
    ok("by descriptor", fanotify_mark(fan, FAN_MARK_ADD, FAN_OPEN, fd = open("d/file", O_RDONLY), NULL));
    close(open("d/file", O_RDONLY));
    show_queue("to be written", fan);
    close(fd);
    close(fan);
}

static void everywhere(void)
{
    int fan = fanotify_init(FAN_CLASS_NOTIF | FAN_NONBLOCK, O_RDONLY);
    mkdir("m", 0755);
    mkdir("again", 0755);
    mount("none", "m", "tmpfs", 0, NULL);
    mount("m", "again", NULL, MS_BIND, NULL);
    make_file("m/file", "text");
    ok("mount", fanotify_mark(fan, FAN_MARK_ADD | FAN_MARK_MOUNT, FAN_OPEN | FAN_MODIFY, AT_FDCWD, "m"));
    close(open("m/file", O_RDONLY));
    show_queue("through it", fan);
    close(open("again/file", O_RDONLY));
    show_queue("not through it", fan);
    make_file("m/other", "text");
    mkdir("m/sub", 0755);
    make_file("m/sub/deep", "text");
    show_queue("all below", fan);
    ok("ignore one", fanotify_mark(fan, FAN_MARK_ADD | FAN_MARK_IGNORED_MASK | FAN_MARK_IGNORED_SURV_MODIFY, FAN_OPEN, AT_FDCWD, "m/file"));
    close(open("m/file", O_RDONLY));
    show_queue("ignored", fan);
    ok("no names", fanotify_mark(fan, FAN_MARK_ADD | FAN_MARK_FILESYSTEM, FAN_CREATE, AT_FDCWD, "m"));
    ok("not evictable", fanotify_mark(fan, FAN_MARK_ADD | FAN_MARK_FILESYSTEM | FAN_MARK_EVICTABLE, FAN_OPEN, AT_FDCWD, "m"));
    ok("file system", fanotify_mark(fan, FAN_MARK_ADD | FAN_MARK_FILESYSTEM, FAN_OPEN, AT_FDCWD, "m"));
    close(open("again/other", O_RDONLY));
    show_queue("through any", fan);
    ok("flush file systems", fanotify_mark(fan, FAN_MARK_FLUSH | FAN_MARK_FILESYSTEM, 0, AT_FDCWD, "."));
    close(open("again/other", O_RDONLY));
    show_queue("no more", fan);
    close(open("m/other", O_RDONLY));
    show_queue("the mount still", fan);
    close(fan);
    chdir("m");
    knows = 0;
    know(".");
    know("sub");
    fan = fanotify_init(NAMED | FAN_REPORT_FID | FAN_REPORT_TARGET_FID | FAN_NONBLOCK, O_RDONLY);
    ok("all of it", fanotify_mark(fan, FAN_MARK_ADD | FAN_MARK_FILESYSTEM,
        FAN_CREATE | FAN_DELETE | FAN_DELETE_SELF | FAN_MOVE_SELF | FAN_RENAME | FAN_CLOSE_WRITE | FAN_ONDIR, AT_FDCWD, "."));
    ok("not of a mount", fanotify_mark(fan, FAN_MARK_ADD | FAN_MARK_MOUNT, FAN_CREATE, AT_FDCWD, "."));
    make_file("sub/new", "text");
    know("sub/new");
    show_queue("created", fan);
    rename("sub/new", "new");
    show_queue("moved", fan);
    unlink("new");
    show_queue("removed", fan);
    mkdir("sub/folder", 0755);
    know("sub/folder");
    show_queue("folder", fan);
    rmdir("sub/folder");
    show_queue("folder removed", fan);
    close(fan);
    fan = fanotify_init(FAN_REPORT_FID | FAN_NONBLOCK, O_RDONLY);
    ok("proc, a file", fanotify_mark(fan, FAN_MARK_ADD, FAN_OPEN, AT_FDCWD, "/proc/version"));
    ok("proc, all", fanotify_mark(fan, FAN_MARK_ADD | FAN_MARK_FILESYSTEM, FAN_OPEN, AT_FDCWD, "/proc"));
    ok("file", fanotify_mark(fan, FAN_MARK_ADD, FAN_OPEN, AT_FDCWD, "file"));
    chdir("..");
    umount("again");
    ok("unmount", umount("m"));
    show_queue("nothing to say", fan);
    ok("and no mark", fanotify_mark(fan, FAN_MARK_REMOVE, FAN_OPEN, AT_FDCWD, "d"));
    close(fan);
}

static void permission(void)
{
    char b[4];
    int notif = fanotify_init(FAN_CLASS_NOTIF, O_RDONLY), fan = fanotify_init(FAN_CLASS_CONTENT, O_RDONLY);
    int first = fanotify_init(FAN_CLASS_PRE_CONTENT, O_RDONLY);
    ok("not for listeners", fanotify_mark(notif, FAN_MARK_ADD, FAN_OPEN_PERM, AT_FDCWD, "d"));
    ok("not in proc", fanotify_mark(fan, FAN_MARK_ADD, FAN_OPEN_PERM, AT_FDCWD, "/proc/version"));
    ok("mark", fanotify_mark(fan, FAN_MARK_ADD, FAN_OPEN_PERM | FAN_EVENT_ON_CHILD, AT_FDCWD, "d"));
    pid_t child = opener("d/file", O_RDONLY);
    answer("permitted", fan, FAN_ALLOW);
    show_status("child", reap(child));
    child = opener("d/file", O_RDONLY);
    answer("denied", fan, FAN_DENY);
    show_status("child", reap(child));
    make_file("plain", "text");
    link("plain", "d/kept");
    child = opener("d/kept", O_WRONLY | O_TRUNC);
    answer("not truncated", fan, FAN_DENY);
    show_status("child", reap(child));
    int kept = open("plain", O_RDONLY);
    show("still has", read(kept, b, 4));
    close(kept);
    child = opener("d/made", O_CREAT | O_WRONLY);
    answer("created", fan, FAN_DENY);
    show_status("child", reap(child));
    ok("made", access("d/made", F_OK));
    ok("access", fanotify_mark(fan, FAN_MARK_ADD, FAN_ACCESS_PERM | FAN_EVENT_ON_CHILD, AT_FDCWD, "d"));
    child = opener("d/file", O_RDONLY);
    answer("open", fan, FAN_ALLOW);
    answer("read", fan, FAN_DENY);
    show_status("child", reap(child));
    ok("before", fanotify_mark(first, FAN_MARK_ADD, FAN_OPEN_PERM, AT_FDCWD, "d/file"));
    child = opener("d/file", O_RDONLY);
    answer("asked first", first, FAN_ALLOW);
    answer("asked second", fan, FAN_ALLOW);
    answer("read", fan, FAN_ALLOW);
    show_status("child", reap(child));
    child = opener("d/file", O_RDONLY);
    answer("with an errno", first, FAN_DENY | EBUSY << 24);
    show_status("child", reap(child));
    fanotify_mark(first, FAN_MARK_FLUSH, 0, AT_FDCWD, ".");
    child = opener("d/file", O_RDONLY);
    answer("no errno here", fan, FAN_DENY | EBUSY << 24);
    kill(child, SIGKILL);
    show_status("killed", reap(child));
    child = opener("d/file", O_RDONLY);
    struct pollfd ready = {fan, POLLIN, 0};
    poll(&ready, 1, -1);
    kill(child, SIGKILL);
    show_status("killed", reap(child));
    show("no question left", poll(&ready, 1, 0));
    ok("exec", fanotify_mark(fan, FAN_MARK_FLUSH, 0, AT_FDCWD, "."));
    child = opener("d/file", O_RDONLY);
    show_status("nobody asks", reap(child));
    fanotify_mark(fan, FAN_MARK_ADD, FAN_OPEN_PERM | FAN_EVENT_ON_CHILD, AT_FDCWD, "d");
    child = opener("d/file", O_RDONLY);
    poll(&ready, 1, -1);
    close(fan);
    show_status("permitted at the end", reap(child));
    close(first);
    close(notif);
}

static void programs(const char *self)
{
    char *argv[] = {"d/program", "exit", NULL}, *script[] = {"d/script", NULL}, b[65536];
    int in = open(self, O_RDONLY), out = open("d/program", O_CREAT | O_WRONLY, 0700), status;
    long n;
    while ((n = read(in, b, sizeof b)) > 0)
        write(out, b, n);
    close(in);
    close(out);
    out = open("d/script", O_CREAT | O_WRONLY, 0700);
    n = sprintf(b, "#!%s/d/program exit\n", getcwd(b + 1000, 1000));
    write(out, b, n);
    close(out);
    int fan = fanotify_init(FAN_CLASS_CONTENT, O_RDONLY), listen = fanotify_init(FAN_CLASS_NOTIF | FAN_NONBLOCK, O_RDONLY);
    fanotify_mark(fan, FAN_MARK_ADD, FAN_OPEN_EXEC_PERM | FAN_EVENT_ON_CHILD, AT_FDCWD, "d");
    fanotify_mark(listen, FAN_MARK_ADD, FAN_OPEN | FAN_OPEN_EXEC | FAN_CLOSE | FAN_EVENT_ON_CHILD, AT_FDCWD, "d");
    close(open("d/program", O_RDONLY));
    show_queue("only read", listen);
    for (int i = 0; i < 2; i++) {
        pid_t child = fork();
        if (!child) {
            execv(argv[0], argv);
            _exit(errno);
        }
        answer("program", fan, i ? FAN_DENY : FAN_ALLOW);
        show_status("child", reap(child));
        show_queue("heard", listen);
    }
    pid_t child = fork();
    if (!child) {
        execv(script[0], script);
        _exit(errno);
    }
    answer("script", fan, FAN_ALLOW);
    answer("its interpreter", fan, FAN_ALLOW);
    show_status("child", reap(child));
    close(fan);
    close(listen);
}

static void *thread(void *argument)
{
    close(open("d/file", O_RDONLY));
    return NULL;
}

static void who(void)
{
    pthread_t other;
    int fan = fanotify_init(FAN_CLASS_NOTIF | FAN_NONBLOCK | FAN_REPORT_TID, O_RDONLY);
    fanotify_mark(fan, FAN_MARK_ADD, FAN_OPEN, AT_FDCWD, "d/file");
    pthread_create(&other, NULL, thread, NULL);
    pthread_join(other, NULL);
    close(open("d/file", O_RDONLY));
    show_queue("threads", fan);
    close(fan);
    ok("both", fanotify_init(FAN_REPORT_TID | FAN_REPORT_PIDFD, O_RDONLY));
    fan = fanotify_init(FAN_CLASS_NOTIF | FAN_NONBLOCK | FAN_REPORT_PIDFD, O_RDONLY);
    fanotify_mark(fan, FAN_MARK_ADD, FAN_OPEN, AT_FDCWD, "d/file");
    reap(opener("d/file", O_RDONLY));
    close(open("d/file", O_RDONLY));
    show_queue("processes", fan);
    struct rlimit few = {0, 1024};
    getrlimit(RLIMIT_NOFILE, &few);
    few.rlim_cur = dup(0) + 1;
    close(few.rlim_cur - 1);
    close(open("d/file", O_RDONLY));
    few.rlim_cur--;
    setrlimit(RLIMIT_NOFILE, &few);
    show_queue("no descriptor left", fan);
    few.rlim_cur = few.rlim_max;
    setrlimit(RLIMIT_NOFILE, &few);
    show_queue("lost", fan);
    close(fan);
}

static void much(void)
{
    char name[32];
    int fan = fanotify_init(FAN_CLASS_NOTIF | FAN_REPORT_DIR_FID | FAN_REPORT_NAME | FAN_NONBLOCK, O_RDONLY), events = 0;
    int all = fanotify_init(FAN_CLASS_NOTIF | FAN_REPORT_DIR_FID | FAN_REPORT_NAME | FAN_NONBLOCK | FAN_UNLIMITED_QUEUE, O_RDONLY);
    static char data[65536] __attribute__((aligned(8)));
    unsigned long long mask = 0;
    FILE *limit = fopen("/proc/sys/fs/fanotify/max_queued_events", "r");
    int most = 0;
    fscanf(limit, "%d", &most);
    fclose(limit);
    limit = fopen("/proc/sys/fs/fanotify/max_queued_events", "w");
    fprintf(limit, "20");
    fclose(limit);
    int few = fanotify_init(FAN_CLASS_NOTIF | FAN_REPORT_DIR_FID | FAN_REPORT_NAME | FAN_NONBLOCK, O_RDONLY);
    limit = fopen("/proc/sys/fs/fanotify/max_queued_events", "w");
    fprintf(limit, "%d", most);
    fclose(limit);
    fanotify_mark(fan, FAN_MARK_ADD, FAN_CREATE, AT_FDCWD, "e");
    fanotify_mark(few, FAN_MARK_ADD, FAN_CREATE, AT_FDCWD, "e");
    fanotify_mark(all, FAN_MARK_ADD, FAN_CREATE, AT_FDCWD, "e");
    for (int i = 0; i < 30; i++) {
        sprintf(name, "e/%d", i);
        close(open(name, O_CREAT | O_WRONLY, 0600));
        unlink(name);
    }
    long n;
    int fans[] = {fan, few, all};
    for (int i = 0; i < 3; i++) {
        events = 0;
        while ((n = read(fans[i], data, sizeof data)) > 0)
            for (struct fanotify_event_metadata *e = (void *)data; FAN_EVENT_OK(e, n); e = FAN_EVENT_NEXT(e, n)) {
                events++;
                if (e->mask & FAN_Q_OVERFLOW)
                    printf("overflow: fd %d pid %d length %d\n", e->fd, e->pid, e->event_len);
            }
        printf("%d events\n", events);
        close(fans[i]);
    }
}

static void handles(void)
{
    struct { struct file_handle head; unsigned char data[MAX_HANDLE_SZ]; } h = {.head.handle_bytes = 0};
    int mount, fd, here = open(".", O_RDONLY);
    char b[8] = "", path[256], link[64];
    show("how long", name_to_handle_at(AT_FDCWD, "d/file", &h.head, &mount, 0));
    printf("%u\n", h.head.handle_bytes);
    h.head.handle_bytes = MAX_HANDLE_SZ + 1;
    show("too long", name_to_handle_at(AT_FDCWD, "d/file", &h.head, &mount, 0));
    h.head.handle_bytes = MAX_HANDLE_SZ;
    show("proc", name_to_handle_at(AT_FDCWD, "/proc/version", &h.head, &mount, 0));
    show("flags", name_to_handle_at(AT_FDCWD, "d/file", &h.head, &mount, 0x10));
    show("empty", name_to_handle_at(here, "", &h.head, &mount, 0));
    h.head.handle_bytes = MAX_HANDLE_SZ;
    show("empty allowed", name_to_handle_at(here, "", &h.head, &mount, AT_EMPTY_PATH));
    make_file("d/file", "text");
    h.head.handle_bytes = MAX_HANDLE_SZ;
    show("handle", name_to_handle_at(AT_FDCWD, "d/file", &h.head, &mount, 0));
    printf("%u bytes of type %d\n", h.head.handle_bytes, h.head.handle_type);
    rename("d/file", "e/renamed");
    fd = open_by_handle_at(here, &h.head, O_RDONLY);
    yes("open", fd >= 0);
    show("read", read(fd, b, 8));
    puts(b);
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    path[readlink(link, path, sizeof path - 1)] = 0;
    puts(strrchr(path, '/'));
    unlink("e/renamed");
    int second = open_by_handle_at(here, &h.head, O_RDONLY);
    show("unlinked, and open", second < 0 ? -1 : 0);
    close(second);
    close(fd);
    show("unlinked", open_by_handle_at(here, &h.head, O_RDONLY));
    show("for ever", open_by_handle_at(here, &h.head, O_RDONLY));
    h.head.handle_bytes = MAX_HANDLE_SZ;
    name_to_handle_at(AT_FDCWD, "d", &h.head, &mount, 0);
    show("folder to write", open_by_handle_at(here, &h.head, O_RDWR));
    fd = open_by_handle_at(here, &h.head, O_RDONLY | O_DIRECTORY);
    yes("folder", fd >= 0);
    close(fd);
    h.head.handle_bytes = 0;
    show("no bytes", open_by_handle_at(here, &h.head, O_RDONLY));
    h.head.handle_bytes = 200;
    show("many bytes", open_by_handle_at(here, &h.head, O_RDONLY));
    h.head.handle_bytes = 4;
    show("few bytes", open_by_handle_at(here, &h.head, O_RDONLY));
    h.head.handle_bytes = 12;
    memset(h.head.f_handle, 0x55, 12);
    show("nonsense", open_by_handle_at(here, &h.head, O_RDONLY));
    h.head.handle_type = 77;
    show("no such type", open_by_handle_at(here, &h.head, O_RDONLY));
    show("closed", open_by_handle_at(99, &h.head, O_RDONLY));
    symlink("x", "link");
    h.head.handle_bytes = MAX_HANDLE_SZ;
    show("link", name_to_handle_at(AT_FDCWD, "link", &h.head, &mount, 0));
    show("not to be opened", open_by_handle_at(here, &h.head, O_RDONLY));
    fd = open_by_handle_at(here, &h.head, O_PATH);
    yes("but named", fd >= 0);
    if (!fork()) {
        setuid(1000);
        show("not root", open_by_handle_at(here, &h.head, O_RDONLY));
        _exit(0);
    }
    wait(NULL);
    close(fd);
    close(here);
}

/* fdinfo, without what differs from boot to boot */
static void show_fdinfo(const char *what, int fd)
{
    char name[64], line[512], *word, *rest;
    snprintf(name, sizeof name, "/proc/self/fdinfo/%d", fd);
    FILE *info = fopen(name, "r");
    printf("%s\n", what);
    for (int number = 0; fgets(line, sizeof line, info); number++) {
        if (number < 4) /* pos, flags, mnt_id, ino */
            continue;
        printf("   ");
        for (word = strtok_r(line, " \n", &rest); word; word = strtok_r(NULL, " \n", &rest)) {
            int changes = !strncmp(word, "ino:", 4) || !strncmp(word, "sdev:", 5) || !strncmp(word, "mnt_id:", 7) ||
                          !strncmp(word, "f_handle:", 9);
            printf(" %.*s", changes ? (int)(strchr(word, ':') - word) : 512, word);
        }
        puts("");
    }
    fclose(info);
}

static void shown(void)
{
    make_file("d/shown", "");
    int fan = fanotify_init(FAN_CLASS_CONTENT | FAN_UNLIMITED_QUEUE | FAN_CLOEXEC, O_RDWR | O_CLOEXEC);
    fanotify_mark(fan, FAN_MARK_ADD, FAN_OPEN | FAN_EVENT_ON_CHILD | FAN_ONDIR, AT_FDCWD, "d");
    fanotify_mark(fan, FAN_MARK_ADD | FAN_MARK_IGNORED_MASK | FAN_MARK_IGNORED_SURV_MODIFY, FAN_OPEN | FAN_ACCESS, AT_FDCWD, "d/shown");
    fanotify_mark(fan, FAN_MARK_ADD | FAN_MARK_EVICTABLE, FAN_CLOSE, AT_FDCWD, ".");
    fanotify_mark(fan, FAN_MARK_ADD | FAN_MARK_MOUNT, FAN_OPEN, AT_FDCWD, "d");
    fanotify_mark(fan, FAN_MARK_ADD | FAN_MARK_MOUNT | FAN_MARK_IGNORE | FAN_MARK_IGNORED_SURV_MODIFY, FAN_CLOSE | FAN_ONDIR, AT_FDCWD, "d");
    fanotify_mark(fan, FAN_MARK_ADD | FAN_MARK_FILESYSTEM, FAN_OPEN | FAN_ONDIR, AT_FDCWD, "d");
    show_fdinfo("files", fan);
    close(fan);
    fan = fanotify_init(NAMED | FAN_NONBLOCK, 0);
    fanotify_mark(fan, FAN_MARK_ADD, FAN_OPEN, AT_FDCWD, "d/shown");
    fanotify_mark(fan, FAN_MARK_ADD, FAN_OPEN, AT_FDCWD, "d");
    show_fdinfo("handles", fan);
    close(fan);
    fan = fanotify_init(FAN_CLASS_NOTIF | FAN_NONBLOCK, O_RDONLY);
    fanotify_mark(fan, FAN_MARK_ADD, FAN_OPEN, AT_FDCWD, "d/shown");
    close(open("d/shown", O_RDONLY));
    struct fanotify_event_metadata event;
    char link[64];
    read(fan, &event, sizeof event);
    snprintf(link, sizeof link, "/proc/self/fd/%d", event.fd);
    show_queue("not by the listener itself", fan);
    close(open(link, O_RDONLY));
    show_queue("but by its name", fan);
    close(event.fd);
    close(fan);
}

static void nobody(void)
{
    pid_t child = fork();
    if (child) {
        show_status("user", reap(child));
        return;
    }
    setuid(1000);
    ok("files", fanotify_init(FAN_CLASS_NOTIF, O_RDONLY));
    ok("content", fanotify_init(FAN_CLASS_CONTENT | FAN_REPORT_FID, O_RDONLY));
    ok("unlimited", fanotify_init(FAN_UNLIMITED_QUEUE | FAN_REPORT_FID, O_RDONLY));
    ok("marks", fanotify_init(FAN_UNLIMITED_MARKS | FAN_REPORT_FID, O_RDONLY));
    ok("processes", fanotify_init(FAN_REPORT_PIDFD | FAN_REPORT_FID, O_RDONLY));
    int fan = fanotify_init(FAN_REPORT_FID | FAN_NONBLOCK, O_RDONLY);
    yes("handles", fan >= 0);
    ok("mount", fanotify_mark(fan, FAN_MARK_ADD | FAN_MARK_MOUNT, FAN_OPEN, AT_FDCWD, "."));
    ok("file system", fanotify_mark(fan, FAN_MARK_ADD | FAN_MARK_FILESYSTEM, FAN_OPEN, AT_FDCWD, "."));
    ok("own", fanotify_mark(fan, FAN_MARK_ADD, FAN_OPEN, AT_FDCWD, "plain"));
    chmod("plain", 0);
    ok("unreadable", fanotify_mark(fan, FAN_MARK_ADD, FAN_OPEN, AT_FDCWD, "secret"));
    close(open("plain", O_RDONLY));
    pid_t other = fork();
    if (!other) {
        close(open("plain", O_RDONLY));
        _exit(0);
    }
    reap(other);
    knows = 0;
    know("plain");
    show_queue("numbers", fan);
    int groups = 1;
    while (fanotify_init(FAN_REPORT_FID, O_RDONLY) >= 0)
        groups++;
    printf("%d groups: %s\n", groups, error_name(errno));
    fflush(stdout);
    _exit(0);
}

int main(int argc, char **argv)
{
    if (argc > 1 && !strcmp(argv[1], "exit"))
        return 7;
    alarm(60);
    chmod(".", 0777);
    mkdir("d", 0755);
    mkdir("e", 0755);
    make_file("secret", "");
    chmod("secret", 0600);
    know(".");
    know("d");
    know("e");
    plain();
    everywhere();
    permission();
    programs(argv[0]);
    who();
    much();
    handles();
    shown();
    nobody();
    return 0;
}
