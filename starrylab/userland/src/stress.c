/* stress - fork, exec, pipe, signal and file work at random: stress [SECONDS] [WORKERS] [SEED] */
#include <sys/prctl.h>
#include "starry.h"

static unsigned long counts[6];
static volatile sig_atomic_t signals_seen;
static unsigned seed;

static unsigned pick(unsigned below)
{
    seed = seed * 1664525 + 1013904223;
    return (seed >> 8) % below;
}

static void on_signal(int number)
{
    signals_seen++;
}

static void expect(bool yes, const char *what)
{
    if (!yes)
        die("%s: %s", what, strerror(errno));
}

static int wait_child(pid_t pid)
{
    int status;
    while (waitpid(pid, &status, 0) < 0)
        expect(errno == EINTR, "waitpid");
    return status;
}

static void do_fork(void)
{
    int code = pick(100);
    pid_t pid = fork();
    expect(pid >= 0, "fork");
    if (pid == 0)
        _exit(code);
    expect(WEXITSTATUS(wait_child(pid)) == code, "exit status");
}

static void do_exec(void)
{
    pid_t pid = fork();
    expect(pid >= 0, "fork");
    if (pid == 0) {
        execl("/proc/self/exe", "true", NULL);
        _exit(99);
    }
    expect(wait_child(pid) == 0, "exec true");
}

static void do_pipe(void)
{
    int ends[2];
    char out[3000], in[3000];
    expect(pipe(ends) == 0, "pipe");
    size_t size = 1 + pick(sizeof out);
    memset(out, 'a' + pick(26), size);
    pid_t pid = fork();
    expect(pid >= 0, "fork");
    if (pid == 0) {
        write_all(ends[1], out, size);
        _exit(0);
    }
    close(ends[1]);
    size_t got = 0;
    for (ssize_t n; got < size && (n = read(ends[0], in + got, size - got)) > 0;)
        got += n;
    close(ends[0]);
    wait_child(pid);
    expect(got == size && memcmp(in, out, size) == 0, "bytes through the pipe");
}

static void do_signal(void)
{
    int before = signals_seen;
    kill(getpid(), SIGUSR1);
    expect(signals_seen == before + 1, "signal");
}

static void do_kill(void)
{
    pid_t pid = fork();
    expect(pid >= 0, "fork");
    if (pid == 0)
        for (;;)
            pause();
    kill(pid, SIGKILL);
    int status = wait_child(pid);
    expect(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL, "killed child");
}

static void do_file(void)
{
    char name[] = "/tmp/stress-XXXXXX", text[64], back[64];
    int fd = mkstemp(name);
    expect(fd >= 0, name);
    int size = snprintf(text, sizeof text, "%u", pick(1000000));
    off_t at = pick(100000);
    expect(pwrite(fd, text, size, at) == size, "pwrite");
    expect(pread(fd, back, size, at) == size && memcmp(text, back, size) == 0, "pread");
    close(fd);
    expect(unlink(name) == 0, "unlink");
}

static void (*const work[])(void) = {do_fork, do_exec, do_pipe, do_signal, do_kill, do_file};

static void worker(double end)
{
    signal(SIGUSR1, on_signal);
    while (seconds_now() < end) {
        int which = pick(6);
        work[which]();
        counts[which]++;
    }
    printf("worker %d: fork %lu exec %lu pipe %lu signal %lu kill %lu file %lu\n", getpid(), counts[0],
           counts[1], counts[2], counts[3], counts[4], counts[5]);
}

int main_stress(int argc, char **argv)
{
    double end = seconds_now() + (argc > 1 ? atof(argv[1]) : 10);
    int workers = argc > 2 ? atoi(argv[2]) : 4, failed = 0;
    unsigned first = argc > 3 ? (unsigned)atoi(argv[3]) : 1;
    for (int i = 0; i < workers; i++) {
        pid_t pid = fork();
        expect(pid >= 0, "fork");
        if (pid == 0) {
            seed = first + i;
            worker(end);
            exit(0);
        }
    }
    for (int status; wait(&status) > 0;)
        failed += status != 0;
    if (failed)
        die("%d of %d workers failed", failed, workers);
    return 0;
}
