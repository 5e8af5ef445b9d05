/* fanotify as anybody may use it: events with handles and names of what is marked itself */
#include "fanotify_names.h"

static void work(const char *label, int fan)
{
    char b[8];
    printf("== %s\n", label);
    int fd = open("d/file", O_RDWR | O_CREAT, 0644);
    write(fd, "text", 4);
    show_queue("create and write", fan);
    know("d/file");
    pread(fd, b, 4, 0);
    fchmod(fd, 0600);
    close(fd);
    show_queue("read, chmod, close", fan);
    truncate("d/file", 1);
    link("d/file", "d/second");
    show_queue("truncate, link", fan);
    rename("d/second", "d/third");
    show_queue("rename", fan);
    rename("d/third", "e/fourth");
    show_queue("move out", fan);
    rename("e/fourth", "d/third");
    show_queue("move in", fan);
    make_file("d/victim", "");
    know("d/victim");
    show_queue("victim", fan);
    rename("d/victim", "d/third");
    show_queue("replace", fan);
    unlink("d/file");
    show_queue("unlink", fan);
    unlink("d/third");
    show_queue("the other", fan);
    mkdir("d/sub", 0755);
    know("d/sub");
    show_queue("mkdir", fan);
    DIR *list = opendir("d/sub");
    readdir(list);
    closedir(list);
    show_queue("list it", fan);
    close(open("d/sub/inner", O_CREAT | O_WRONLY, 0600));
    unlink("d/sub/inner");
    show_queue("below", fan);
    rename("d/sub", "e/sub");
    show_queue("move it", fan);
    rmdir("e/sub");
    show_queue("rmdir", fan);
    list = opendir("d");
    while (readdir(list))
        ;
    closedir(list);
    chmod("d", 0700);
    show_queue("itself", fan);
    symlink("x", "d/link");
    unlink("d/link");
    show_queue("symlink", fan);
}

static void modes(void)
{
    static const struct { unsigned flags; const char *name; } all[] = {
        {FAN_REPORT_FID, "fid"},
        {FAN_REPORT_DIR_FID, "dir"},
        {FAN_REPORT_DIR_FID | FAN_REPORT_NAME, "dir name"},
        {FAN_REPORT_DIR_FID | FAN_REPORT_FID, "dir fid"},
        {FAN_REPORT_DIR_FID | FAN_REPORT_NAME | FAN_REPORT_FID, "dir name fid"},
        {FAN_REPORT_DIR_FID | FAN_REPORT_NAME | FAN_REPORT_FID | FAN_REPORT_TARGET_FID, "dir name fid target"},
    };
    const unsigned long long each = FAN_ACCESS | FAN_MODIFY | FAN_ATTRIB | FAN_CLOSE | FAN_OPEN | FAN_MOVE | FAN_CREATE |
                                    FAN_DELETE | FAN_DELETE_SELF | FAN_MOVE_SELF;
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        int fan = fanotify_init(all[i].flags | FAN_NONBLOCK, O_RDONLY);
        unsigned long long rename = all[i].flags & FAN_REPORT_NAME ? FAN_RENAME : 0;
        ok("mark", fanotify_mark(fan, FAN_MARK_ADD, each | rename | FAN_ONDIR | FAN_EVENT_ON_CHILD, AT_FDCWD, "d"));
        work(all[i].name, fan);
        close(fan);
    }
    int fan = fanotify_init(FAN_REPORT_FID | FAN_NONBLOCK, O_RDONLY);
    ok("no folders", fanotify_mark(fan, FAN_MARK_ADD, each, AT_FDCWD, "d"));
    work("not of children, not of folders", fan);
    close(fan);
}

static void files(void)
{
    int fan = fanotify_init(FAN_REPORT_FID | FAN_REPORT_DIR_FID | FAN_REPORT_NAME | FAN_NONBLOCK, O_RDONLY);
    int other = fanotify_init(FAN_REPORT_FID | FAN_NONBLOCK, O_RDONLY), fd;
    make_file("d/marked", "text");
    make_file("d/plain", "text");
    know("d/marked");
    const unsigned long long mask = FAN_OPEN | FAN_MODIFY | FAN_CLOSE | FAN_DELETE_SELF | FAN_MOVE_SELF | FAN_ATTRIB;
    ok("mark a file", fanotify_mark(fan, FAN_MARK_ADD, mask, AT_FDCWD, "d/marked"));
    ok("other group", fanotify_mark(other, FAN_MARK_ADD, mask, AT_FDCWD, "d/marked"));
    close(open("d/marked", O_RDONLY));
    close(open("d/plain", O_RDONLY));
    show_queue("opened", fan);
    show_queue("the other group", other);
    rename("d/marked", "e/marked");
    show_queue("moved", fan);
    fd = open("e/marked", O_RDWR);
    unlink("e/marked");
    show_queue("unlinked", fan);
    close(fd);
    show_queue("gone", fan);
    ok("no mark left", fanotify_mark(fan, FAN_MARK_REMOVE, FAN_OPEN, AT_FDCWD, "d/plain"));
    close(fan);
    close(other);
    unlink("d/plain");
}

static void ignoring(void)
{
    int fan = fanotify_init(FAN_REPORT_FID | FAN_NONBLOCK, O_RDONLY), fd;
    make_file("d/a", "text");
    make_file("d/b", "text");
    know("d/a");
    know("d/b");
    ok("mark", fanotify_mark(fan, FAN_MARK_ADD, FAN_OPEN | FAN_MODIFY | FAN_EVENT_ON_CHILD, AT_FDCWD, "d"));
    ok("ignore one", fanotify_mark(fan, FAN_MARK_ADD | FAN_MARK_IGNORED_MASK, FAN_OPEN, AT_FDCWD, "d/a"));
    close(open("d/a", O_RDONLY));
    close(open("d/b", O_RDONLY));
    show_queue("one of two", fan);
    fd = open("d/a", O_WRONLY);
    write(fd, "x", 1);
    close(fd);
    show_queue("written", fan);
    close(open("d/a", O_RDONLY));
    show_queue("not ignored any more", fan);
    ok("survives", fanotify_mark(fan, FAN_MARK_ADD | FAN_MARK_IGNORED_MASK | FAN_MARK_IGNORED_SURV_MODIFY, FAN_OPEN, AT_FDCWD, "d/a"));
    fd = open("d/a", O_WRONLY);
    write(fd, "x", 1);
    close(fd);
    close(open("d/a", O_RDONLY));
    show_queue("written, and ignored still", fan);
    ok("no longer", fanotify_mark(fan, FAN_MARK_REMOVE | FAN_MARK_IGNORED_MASK, FAN_OPEN, AT_FDCWD, "d/a"));
    close(open("d/a", O_RDONLY));
    show_queue("shown", fan);
    fd = open("d/b", O_WRONLY);
    ok("ignore what is written", fanotify_mark(fan, FAN_MARK_ADD | FAN_MARK_IGNORED_MASK, FAN_OPEN, AT_FDCWD, "d/b"));
    close(fd);
    close(open("d/b", O_RDONLY));
    show_queue("was not marked", fan);
    ok("new kind", fanotify_mark(fan, FAN_MARK_ADD | FAN_MARK_IGNORE | FAN_MARK_IGNORED_SURV_MODIFY, FAN_OPEN, AT_FDCWD, "d/a"));
    ok("old kind again", fanotify_mark(fan, FAN_MARK_ADD | FAN_MARK_IGNORED_MASK, FAN_OPEN, AT_FDCWD, "d/a"));
    ok("weaker", fanotify_mark(fan, FAN_MARK_ADD | FAN_MARK_IGNORE, FAN_OPEN, AT_FDCWD, "d/a"));
    ok("folder without surviving", fanotify_mark(fan, FAN_MARK_ADD | FAN_MARK_IGNORE, FAN_OPEN, AT_FDCWD, "d"));
    ok("both kinds", fanotify_mark(fan, FAN_MARK_ADD | FAN_MARK_IGNORE | FAN_MARK_IGNORED_MASK, FAN_OPEN, AT_FDCWD, "d"));
    ok("ignore children", fanotify_mark(fan, FAN_MARK_ADD | FAN_MARK_IGNORE | FAN_MARK_IGNORED_SURV_MODIFY, FAN_OPEN | FAN_EVENT_ON_CHILD, AT_FDCWD, "d"));
    close(open("d/b", O_RDONLY));
    show_queue("ignored", fan);
    ok("evictable", fanotify_mark(fan, FAN_MARK_ADD | FAN_MARK_EVICTABLE, FAN_OPEN, AT_FDCWD, "e"));
    ok("not evictable", fanotify_mark(fan, FAN_MARK_ADD, FAN_OPEN, AT_FDCWD, "e"));
    ok("evictable again", fanotify_mark(fan, FAN_MARK_ADD | FAN_MARK_EVICTABLE, FAN_OPEN, AT_FDCWD, "e"));
    ok("flush", fanotify_mark(fan, FAN_MARK_FLUSH, 0, AT_FDCWD, "."));
    close(open("d/b", O_RDONLY));
    show_queue("nothing", fan);
    ok("none there", fanotify_mark(fan, FAN_MARK_REMOVE, FAN_OPEN, AT_FDCWD, "d"));
    close(fan);
    unlink("d/a");
    unlink("d/b");
}

static void errors(void)
{
    int fan = fanotify_init(FAN_REPORT_FID | FAN_NONBLOCK, O_RDONLY), named = fanotify_init(NAMED | FAN_NONBLOCK, O_RDONLY);
    int targets = fanotify_init(NAMED | FAN_REPORT_FID | FAN_REPORT_TARGET_FID, O_RDONLY);
    char small[23];
    ok("name without folder", fanotify_init(FAN_REPORT_FID | FAN_REPORT_NAME, 0));
    ok("target without name", fanotify_init(FAN_REPORT_FID | FAN_REPORT_TARGET_FID, 0));
    ok("both access modes", fanotify_init(FAN_REPORT_FID, 3));
    ok("file flags", fanotify_init(FAN_REPORT_FID, O_CREAT));
    make_file("d/file", "text");
    ok("no command", fanotify_mark(fan, 0, FAN_OPEN, AT_FDCWD, "d"));
    ok("two commands", fanotify_mark(fan, FAN_MARK_ADD | FAN_MARK_REMOVE, FAN_OPEN, AT_FDCWD, "d"));
    ok("no mask", fanotify_mark(fan, FAN_MARK_ADD, 0, AT_FDCWD, "d"));
    ok("unknown flag", fanotify_mark(fan, FAN_MARK_ADD | 0x100000, FAN_OPEN, AT_FDCWD, "d"));
    ok("unknown event", fanotify_mark(fan, FAN_MARK_ADD, 1ull << 35, AT_FDCWD, "d"));
    ok("overflow", fanotify_mark(fan, FAN_MARK_ADD, FAN_Q_OVERFLOW, AT_FDCWD, "d"));
    ok("both types", fanotify_mark(fan, FAN_MARK_ADD | FAN_MARK_MOUNT | FAN_MARK_FILESYSTEM, FAN_OPEN, AT_FDCWD, "d"));
    ok("permission", fanotify_mark(fan, FAN_MARK_ADD, FAN_OPEN_PERM, AT_FDCWD, "d"));
    ok("file system error", fanotify_mark(fan, FAN_MARK_ADD, FAN_FS_ERROR, AT_FDCWD, "d"));
    ok("rename without names", fanotify_mark(fan, FAN_MARK_ADD, FAN_RENAME, AT_FDCWD, "d"));
    ok("rename of a file", fanotify_mark(named, FAN_MARK_ADD, FAN_RENAME, AT_FDCWD, "d/file"));
    ok("create in a file", fanotify_mark(named, FAN_MARK_ADD, FAN_CREATE, AT_FDCWD, "d/file"));
    ok("strictly", fanotify_mark(targets, FAN_MARK_ADD, FAN_CREATE, AT_FDCWD, "d/file"));
    ok("folders only", fanotify_mark(fan, FAN_MARK_ADD | FAN_MARK_ONLYDIR, FAN_OPEN, AT_FDCWD, "d/file"));
    ok("nothing there", fanotify_mark(fan, FAN_MARK_ADD, FAN_OPEN, AT_FDCWD, "nothing"));
    ok("bad path", fanotify_mark(fan, FAN_MARK_ADD, FAN_OPEN, AT_FDCWD, (char *)16));
    ok("no path, no file", fanotify_mark(fan, FAN_MARK_ADD, FAN_OPEN, 99, NULL));
    ok("no group", fanotify_mark(1, FAN_MARK_ADD, FAN_OPEN, AT_FDCWD, "d"));
    ok("closed", fanotify_mark(99, FAN_MARK_ADD, FAN_OPEN, AT_FDCWD, "d"));
    ok("flush with more", fanotify_mark(fan, FAN_MARK_FLUSH | FAN_MARK_ONLYDIR, 0, AT_FDCWD, "d"));
    symlink("d", "link");
    symlink("nowhere", "dangling");
    ok("link followed", fanotify_mark(fan, FAN_MARK_ADD | FAN_MARK_ONLYDIR, FAN_CREATE, AT_FDCWD, "link"));
    ok("link itself", fanotify_mark(fan, FAN_MARK_ADD | FAN_MARK_ONLYDIR | FAN_MARK_DONT_FOLLOW, FAN_CREATE, AT_FDCWD, "link"));
    int folder = open("d", O_RDONLY);
    ok("by descriptor", fanotify_mark(fan, FAN_MARK_ADD, FAN_CREATE, folder, NULL));
    show("empty", read(fan, small, sizeof small));
    close(open("d/new", O_CREAT | O_WRONLY, 0600));
    struct pollfd ready = {fan, POLLIN | POLLOUT, 0};
    show("ready", poll(&ready, 1, 0));
    printf("for %x\n", ready.revents);
    show("too small", read(fan, small, sizeof small));
    int waiting;
    ioctl(fan, FIONREAD, &waiting);
    yes("as long as it says", waiting > 24);
    show("nothing to answer", write(fan, small, 4));
    struct fanotify_response answer = {5, FAN_ALLOW};
    show("nobody asked", write(fan, &answer, sizeof answer));
    answer.response = 77;
    show("no such answer", write(fan, &answer, sizeof answer));
    answer.response = FAN_ALLOW | FAN_DENY;
    show("both answers", write(fan, &answer, sizeof answer));
    answer.response = FAN_ALLOW;
    answer.fd = -3;
    show("no such file", write(fan, &answer, sizeof answer));
    show("seek", lseek(fan, 0, SEEK_SET));
    unlink("d/new");
    unlink("d/file");
    close(fan);
    close(named);
    close(targets);
}

static void others(void)
{
    int fan = fanotify_init(NAMED | FAN_NONBLOCK, O_RDONLY), status;
    fanotify_mark(fan, FAN_MARK_ADD, FAN_CREATE | FAN_DELETE | FAN_OPEN | FAN_EVENT_ON_CHILD, AT_FDCWD, "d");
    for (int i = 0; i < 3; i++)
        close(open("d/same", O_CREAT | O_WRONLY, 0600));
    show_queue("merged", fan);
    close(open("d/same", O_RDONLY));
    close(open("d/new", O_CREAT | O_WRONLY, 0600));
    close(open("d/same", O_RDONLY));
    unlink("d/same");
    show_queue("merged though something is between", fan);
    pid_t child = fork();
    if (!child) {
        unlink("d/new");
        _exit(0);
    }
    status = reap(child);
    show_status("child", status);
    fcntl(fan, F_SETFL, 0);
    static char data[4096] __attribute__((aligned(8)));
    long n = read(fan, data, sizeof data);
    yes("somebody else's number is hidden, or shown", n > 0);
    child = fork();
    if (!child) {
        pause_ms(20);
        close(open("d/late", O_CREAT | O_WRONLY, 0600));
        _exit(0);
    }
    yes("waited for", read(fan, data, sizeof data) > 0);
    reap(child);
    unlink("d/late");
    close(fan);
}

int main(void)
{
    alarm(60);
    mkdir("d", 0755);
    mkdir("e", 0755);
    know(".");
    know("d");
    know("e");
    modes();
    files();
    ignoring();
    errors();
    others();
    return 0;
}
