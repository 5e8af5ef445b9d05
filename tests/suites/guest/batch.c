/* batch SECONDS FOLDER PROGRAM...: run programs of FOLDER one after the other, each in an empty
 * folder of its own below /tmp, and tell "=== NAME STATUS" and what it printed; STATUS is as the
 * shell's $?, or "hung". */
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static char text[1 << 16];

static pid_t start(const char *folder, const char *name, int out)
{
    char path[512], here[] = "/tmp/batch-XXXXXX";
    pid_t pid = fork();
    if (pid)
        return pid;
    setpgid(0, 0);
    snprintf(path, sizeof path, "%s/%s", folder, name);
    if (!mkdtemp(here) || chdir(here))
        _exit(125);
    dup2(open("/dev/null", O_RDONLY), 0);
    dup2(out, 1);
    dup2(out, 2);
    execl(path, name, (char *)NULL);
    _exit(126);
}

static size_t take(int in, size_t have)
{
    ssize_t count = read(in, text + have, sizeof text - 1 - have);
    return count > 0 ? have + count : have;
}

int main(int argc, char **argv)
{
    for (int i = 3; i < argc; i++) {
        int ends[2], status = 0, hung = 0;
        size_t have = 0;
        if (pipe2(ends, O_CLOEXEC | O_NONBLOCK))
            return 1;
        pid_t pid = start(argv[2], argv[i], ends[1]);
        time_t end = time(NULL) + atoi(argv[1]);
        while (waitpid(pid, &status, WNOHANG) != pid) {
            have = take(ends[0], have);
            if ((hung = time(NULL) > end)) {
                kill(-pid, SIGKILL);
                waitpid(pid, &status, 0);
                break;
            }
            usleep(10000);
        }
        kill(-pid, SIGKILL);
        text[take(ends[0], have)] = 0;
        if (hung)
            printf("\n=== %s hung\n%s\n", argv[i], text);
        else
            printf("\n=== %s %d\n%s\n", argv[i],
                   WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status), text);
        fflush(stdout);
        close(ends[0]);
        close(ends[1]);
    }
    return 0;
}
