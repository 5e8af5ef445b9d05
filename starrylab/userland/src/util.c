/* Small helpers that most programs use. */
#include <grp.h>
#include <pwd.h>
#include "starry.h"

void complain_of(const char *format, va_list args)
{
    fflush(stdout); /* so that messages and output keep their order on a terminal */
    fprintf(stderr, "%s: ", program);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
}

void complain(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    complain_of(format, args);
    va_end(args);
}

void warn_errno(const char *what)
{
    complain("%s: %s", what, strerror(errno));
}

void die(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    complain_of(format, args);
    exit(1);
}

void die_errno(const char *what)
{
    die("%s: %s", what, strerror(errno));
}

void *need_more(void *old, size_t size)
{
    void *memory = realloc(old, size ? size : 1);
    if (!memory)
        die("out of memory");
    return memory;
}

void *need(size_t size)
{
    return need_more(NULL, size);
}

char *join_path(const char *folder, const char *name)
{
    size_t length = strlen(folder);
    char *path = need(length + strlen(name) + 2);
    sprintf(path, "%s%s%s", folder, length && folder[length - 1] == '/' ? "" : "/", name);
    return path;
}

const char *last_part(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash && slash[1] ? slash + 1 : path;
}

void write_all(int fd, const void *data, size_t size)
{
    for (const char *at = data; size > 0;) {
        ssize_t n = write(fd, at, size);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            die_errno("write");
        at += n;
        size -= n;
    }
}

int copy_fd(int from, int to)
{
    static char buffer[65536];
    for (;;) {
        ssize_t n = read(from, buffer, sizeof buffer);
        if (n == 0)
            return 0;
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -1;
        write_all(to, buffer, n);
    }
}

char *read_whole(const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return NULL;
    size_t size = 0, room = 4096;
    char *text = need(room);
    ssize_t n;
    while ((n = read(fd, text + size, room - size - 1)) > 0) {
        size += n;
        if (room - size < 1024)
            text = need_more(text, room *= 2);
    }
    close(fd);
    text[size] = 0;
    return text;
}

char *human(uint64_t bytes, char out[16])
{
    static const char units[] = "BKMGT";
    double value = bytes;
    int unit = 0;
    while (value >= 1024 && units[unit + 1]) {
        value /= 1024;
        unit++;
    }
    snprintf(out, 16, unit && value < 10 ? "%.1f%c" : "%.0f%c", value, units[unit]);
    return out;
}

double seconds_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec + now.tv_nsec * 1e-9;
}

int terminal_width(void)
{
    struct winsize size;
    return ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col ? size.ws_col : 80;
}

static const char *const signals[] = {
    [SIGHUP] = "HUP",       [SIGINT] = "INT",     [SIGQUIT] = "QUIT", [SIGILL] = "ILL",
    [SIGTRAP] = "TRAP",     [SIGABRT] = "ABRT",   [SIGBUS] = "BUS",   [SIGFPE] = "FPE",
    [SIGKILL] = "KILL",     [SIGUSR1] = "USR1",   [SIGSEGV] = "SEGV", [SIGUSR2] = "USR2",
    [SIGPIPE] = "PIPE",     [SIGALRM] = "ALRM",   [SIGTERM] = "TERM", [SIGSTKFLT] = "STKFLT",
    [SIGCHLD] = "CHLD",     [SIGCONT] = "CONT",   [SIGSTOP] = "STOP", [SIGTSTP] = "TSTP",
    [SIGTTIN] = "TTIN",     [SIGTTOU] = "TTOU",   [SIGURG] = "URG",   [SIGXCPU] = "XCPU",
    [SIGXFSZ] = "XFSZ",     [SIGVTALRM] = "VTALRM", [SIGPROF] = "PROF", [SIGWINCH] = "WINCH",
    [SIGIO] = "IO",         [SIGPWR] = "PWR",     [SIGSYS] = "SYS",
};
#define SIGNALS ((int)(sizeof signals / sizeof *signals))

int signal_number(const char *name)
{
    char *end;
    long number = strtol(name, &end, 10);
    if (*name && !*end)
        return number >= 0 && number <= 64 ? number : -1;
    if (strncasecmp(name, "SIG", 3) == 0)
        name += 3;
    for (int i = 1; i < SIGNALS; i++)
        if (signals[i] && strcasecmp(signals[i], name) == 0)
            return i;
    return -1;
}

const char *signal_name(int number)
{
    static char other[16];
    if (number > 0 && number < SIGNALS && signals[number])
        return signals[number];
    snprintf(other, sizeof other, "%d", number);
    return other;
}

void mode_text(mode_t mode, char out[11])
{
    static const struct {
        mode_t kind;
        char letter;
    } kinds[] = {{S_IFDIR, 'd'}, {S_IFLNK, 'l'}, {S_IFCHR, 'c'},
                 {S_IFBLK, 'b'}, {S_IFIFO, 'p'}, {S_IFSOCK, 's'}};
    strcpy(out, "-rwxrwxrwx");
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if ((mode & S_IFMT) == kinds[i].kind)
            out[0] = kinds[i].letter;
    for (int bit = 0; bit < 9; bit++)
        if (!(mode & (0400 >> bit)))
            out[1 + bit] = '-';
    if (mode & S_ISUID)
        out[3] = out[3] == 'x' ? 's' : 'S';
    if (mode & S_ISGID)
        out[6] = out[6] == 'x' ? 's' : 'S';
    if (mode & S_ISVTX)
        out[9] = out[9] == 'x' ? 't' : 'T';
}

const char *user_name(uid_t uid)
{
    static char text[32];
    struct passwd *entry = getpwuid(uid);
    if (entry)
        return entry->pw_name;
    snprintf(text, sizeof text, "%u", uid);
    return text;
}

const char *group_name(gid_t gid)
{
    static char text[32];
    struct group *entry = getgrgid(gid);
    if (entry)
        return entry->gr_name;
    snprintf(text, sizeof text, "%u", gid);
    return text;
}

int each_input(int argc, char **argv, int first, int (*use)(FILE *in, const char *name))
{
    if (first >= argc)
        return use(stdin, "-");
    int status = 0;
    for (int i = first; i < argc; i++) {
        FILE *in = strcmp(argv[i], "-") == 0 ? stdin : fopen(argv[i], "re");
        if (!in) {
            warn_errno(argv[i]);
            status = 1;
            continue;
        }
        status |= use(in, argv[i]);
        if (in != stdin)
            fclose(in);
    }
    return status;
}
