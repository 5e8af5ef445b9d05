/* time - run a command and tell the time it took */
#include <sys/resource.h>
#include "starry.h"

int main_time(int argc, char **argv)
{
    if (argc < 2)
        die("usage: time command...");
    double start = seconds_now();
    pid_t pid = fork();
    if (pid < 0)
        die_errno("fork");
    if (pid == 0) {
        execvp(argv[1], argv + 1);
        warn_errno(argv[1]);
        _exit(127);
    }
    int status;
    struct rusage use;
    signal(SIGINT, SIG_IGN); /* Ctrl-C ends the command, the report still comes */
    wait4(pid, &status, 0, &use);
    fprintf(stderr, "real %.3f\nuser %ld.%03ld\nsys  %ld.%03ld\n", seconds_now() - start,
            (long)use.ru_utime.tv_sec, (long)use.ru_utime.tv_usec / 1000, (long)use.ru_stime.tv_sec,
            (long)use.ru_stime.tv_usec / 1000);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
