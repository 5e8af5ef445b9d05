/* leases: who may take one, who breaks it, what the holder hears, and when it ends; F_NOTIFY */
#include "t.h"

#define GET(fd) show("  lease", fcntl(fd, F_GETLEASE))

static volatile sig_atomic_t signals, code, band, from;

static void note(int number, siginfo_t *info, void *context)
{
    (void)number, (void)context;
    signals++;
    code = info->si_code;
    band = info->si_band;
    from = info->si_fd;
}

static void heard(const char *what, int fd)
{
    printf("%s: %d", what, signals);
    if (signals)
        printf(" code %d band %x %s", code, (unsigned)band, from == fd ? "same" : "other");
    puts("");
    fflush(stdout);
    signals = 0;
}

static void take(const char *what, int fd, int kind)
{
    ok(what, fcntl(fd, F_SETLEASE, kind));
    fcntl(fd, F_SETSIG, SIGRTMIN); /* forgotten with each lease that ends */
}

/* Somebody else opens the file, and the holder answers. */
static void broken(const char *what, int fd, int flags, int answer)
{
    int status, pipe_fds[2];
    char c;
    pipe(pipe_fds);
    printf("%s\n", what);
    fflush(stdout);
    pid_t child = fork();
    if (!child) {
        int opened = open("file", flags);
        if (opened < 0)
            _exit(errno);
        write(pipe_fds[1], "x", 1);
        _exit(0);
    }
    while (!signals)
        pause_ms(1);
    heard("  signal", fd);
    GET(fd);
    struct pollfd waiting = {pipe_fds[0], POLLIN, 0};
    show("  opened yet", poll(&waiting, 1, 20));
    ok("  answer", fcntl(fd, F_SETLEASE, answer));
    read(pipe_fds[0], &c, 1);
    GET(fd);
    status = reap(child);
    show_status("  child", status);
    close(pipe_fds[0]);
    close(pipe_fds[1]);
}

static void leases(void)
{
    struct sigaction action = {.sa_sigaction = note, .sa_flags = SA_SIGINFO};
    sigaction(SIGRTMIN, &action, NULL);
    make_file("file", "text");
    int reader = open("file", O_RDONLY), writer = open("file", O_RDWR), folder = open(".", O_RDONLY);
    GET(reader);
    ok("read lease while written", fcntl(reader, F_SETLEASE, F_RDLCK));
    ok("write lease of two", fcntl(writer, F_SETLEASE, F_WRLCK));
    close(writer);
    ok("no such kind", fcntl(reader, F_SETLEASE, 17));
    ok("none to give up", fcntl(reader, F_SETLEASE, F_UNLCK));
    ok("of a folder", fcntl(folder, F_SETLEASE, F_RDLCK));
    GET(folder);
    ok("read lease", fcntl(reader, F_SETLEASE, F_RDLCK));
    GET(reader);
    yes("owner", fcntl(reader, F_GETOWN) == getpid());
    ok("signal", fcntl(reader, F_SETSIG, SIGRTMIN));
    int second = open("file", O_RDONLY);
    heard("reading breaks nothing", reader);
    ok("two of them", fcntl(second, F_SETLEASE, F_RDLCK));
    ok("not alone", fcntl(second, F_SETLEASE, F_WRLCK));
    close(second);
    ok("nonblocking", open("file", O_WRONLY | O_NONBLOCK));
    heard("told all the same", reader);
    GET(reader);
    ok("once more", open("file", O_WRONLY | O_NONBLOCK));
    heard("not twice", reader);
    ok("no lease now", fcntl(second = open("file", O_RDONLY), F_SETLEASE, F_RDLCK));
    close(second);
    ok("give up", fcntl(reader, F_SETLEASE, F_UNLCK));
    GET(reader);
    show("no signal", fcntl(reader, F_GETSIG));
    show("no owner", fcntl(reader, F_GETOWN));
    take("again", reader, F_RDLCK);
    broken("written", reader, O_WRONLY, F_UNLCK);
    take("again", reader, F_RDLCK);
    broken("truncated", reader, O_WRONLY | O_TRUNC, F_UNLCK);
    take("write lease", reader, F_WRLCK);
    GET(reader);
    broken("read", reader, O_RDONLY, F_RDLCK);
    take("write lease", reader, F_WRLCK);
    broken("both", reader, O_RDWR, F_UNLCK);
    take("again", reader, F_RDLCK);
    pid_t child = fork();
    if (!child) {
        close(reader);
        show("truncate", truncate("file", 1));
        _exit(0);
    }
    while (!signals)
        pause_ms(1);
    heard("told of truncate", reader);
    close(reader);
    show_status("closed", reap(child));
    reader = open("file", O_RDONLY);
    GET(reader);
    take("unlink", reader, F_RDLCK);
    unlink("file");
    GET(reader);
    heard("not told", reader);
    close(reader);
}

static void notices(void)
{
    mkdir("d", 0755);
    mkdir("e", 0755);
    make_file("d/file", "text");
    int folder = open("d", O_RDONLY | O_DIRECTORY), file = open("d/file", O_RDWR);
    ok("of a file", fcntl(file, F_NOTIFY, DN_ACCESS));
    ok("nothing", fcntl(file, F_NOTIFY, 0));
    ok("signal", fcntl(folder, F_SETSIG, SIGRTMIN));
    ok("access", fcntl(folder, F_NOTIFY, DN_ACCESS));
    char b[4];
    read(file, b, 4);
    heard("read", folder);
    read(file, b, 4);
    pread(file, b, 4, 0);
    heard("once only", folder);
    ok("all", fcntl(folder, F_NOTIFY, DN_MULTISHOT | DN_MODIFY | DN_CREATE));
    ok("and more", fcntl(folder, F_NOTIFY, DN_MULTISHOT | DN_DELETE | DN_RENAME | DN_ATTRIB));
    write(file, "x", 1);
    heard("write", folder);
    pread(file, b, 4, 0);
    heard("read", folder);
    ftruncate(file, 0);
    heard("truncate", folder);
    fchmod(file, 0600);
    heard("chmod", folder);
    close(open("d/new", O_CREAT | O_WRONLY, 0600));
    heard("create", folder);
    rename("d/new", "d/newer");
    heard("rename", folder);
    rename("d/newer", "e/newest");
    heard("move out", folder);
    rename("e/newest", "d/back");
    heard("move in", folder);
    unlink("d/back");
    heard("unlink", folder);
    mkdir("d/sub", 0755);
    heard("mkdir", folder);
    rmdir("d/sub");
    heard("rmdir", folder);
    chmod("d", 0700);
    heard("itself", folder);
    int copy = dup(folder);
    close(copy);
    write(file, "x", 1);
    heard("closed a copy", folder);
    ok("again", fcntl(folder, F_NOTIFY, DN_MULTISHOT | DN_MODIFY));
    ok("no more", fcntl(folder, F_NOTIFY, DN_MULTISHOT));
    write(file, "x", 1);
    heard("nothing", folder);
}

int main(void)
{
    alarm(60);
    leases();
    notices();
    return 0;
}
