/* tracefs: which tracepoints there are, tracing as text, switches */
#include "../../programs/t.h"

#define TRACING "/sys/kernel/tracing/"

static char text[65536];

static const char *get(const char *name)
{
    char path[256];
    snprintf(path, sizeof path, TRACING "%s", name);
    int fd = open(path, O_RDONLY);
    long size = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
    close(fd);
    text[size < 0 ? 0 : size] = 0;
    return size < 0 ? error_name(errno) : text;
}

static long put(const char *name, const char *value, int flags)
{
    char path[256];
    snprintf(path, sizeof path, TRACING "%s", name);
    int fd = open(path, O_WRONLY | flags);
    long size = fd < 0 ? -1 : write(fd, value, strlen(value));
    close(fd);
    return size;
}

static int lines(const char *word)
{
    int found = 0;
    for (const char *at = strstr(get("trace"), word); at; at = strstr(at + 1, word))
        found++;
    return found;
}

int main(void)
{
    struct statfs info;
    statfs(TRACING, &info);
    printf("magic %lx\n", (long)info.f_type);
    yes("ids", atoi(get("events/sched/sched_switch/id")) > 0);
    yes("formats", strstr(get("events/raw_syscalls/sys_exit/format"), "field:long ret;\toffset:16;\tsize:8;\tsigned:1;"));
    yes("listed", strstr(get("available_events"), "syscalls:sys_enter_openat\n"));
    printf("at first: %s.\n", get("set_event"));
    ok("one", put("set_event", "syscalls:sys_enter_getppid", O_TRUNC));
    ok("another", put("set_event", "signal:*", 0));
    printf("%s", get("set_event"));
    for (int i = 0; i < 5; i++)
        getppid();
    signal(SIGUSR1, SIG_DFL);
    signal(SIGCHLD, SIG_DFL);
    printf("traced %d\n", lines(": sys_getppid()"));
    put("tracing_on", "0", 0);
    getppid();
    printf("off %d\n", lines(": sys_getppid()"));
    put("tracing_on", "1", 0);
    printf("enabled %s", get("events/signal/signal_deliver/enable"));
    printf("all of it %s", get("events/signal/enable"));
    printf("all of all %s", get("events/enable"));
    ok("no longer", put("set_event", "!signal", 0));
    printf("%s", get("set_event"));
    show("unknown", put("set_event", "nothing:here", 0));
    show("no flag", put("events/enable", "2", 0));
    put("trace_marker", "a mark of my own\n", 0);
    printf("marked %d\n", lines("tracing_mark_write: a mark of my own\n"));
    put("trace", "", O_TRUNC);
    printf("emptied %d\n", lines("sys_"));
    getppid();
    int pipe = open(TRACING "trace_pipe", O_RDONLY | O_NONBLOCK);
    long size = read(pipe, text, sizeof text - 1);
    text[size > 0 ? size : 0] = 0;
    yes("taken", strstr(text, "sys_getppid()\n"));
    show("once", read(pipe, text, sizeof text));
    put("set_event", "", O_TRUNC);
    printf("at last: %s.\n", get("set_event"));
    getppid();
    show("nothing more", read(pipe, text, sizeof text));
    return 0;
}
