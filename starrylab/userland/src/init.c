/* init - the first process: runs a shell on the console and reaps the orphans.
 *
 * When the shell ends, everything else is ended and the machine stops with the shell's status.
 * `init respawn` starts a new shell instead; `poweroff` stops the machine in both cases.
 * A shell that was killed by a signal is always replaced.
 */
#include <sys/reboot.h>
#include "starry.h"

static volatile sig_atomic_t asked_to_stop;

static void on_stop(int number)
{
    asked_to_stop = 1;
}

static pid_t start_shell(void)
{
    pid_t pid = fork();
    if (pid < 0)
        die_errno("fork");
    if (pid > 0)
        return pid;
    setsid();
    int console = open("/dev/console", O_RDWR);
    if (console >= 0) {
        for (int fd = 0; fd < 3; fd++)
            dup2(console, fd);
        if (console > 2)
            close(console);
    }
    ioctl(0, TIOCSCTTY, 1); /* the terminal's signals go to this session */
    signal(SIGUSR2, SIG_DFL);
    signal(SIGTERM, SIG_DFL);
    setenv("HOME", "/root", 0);
    if (chdir("/root") < 0 && chdir("/") < 0)
        warn_errno("/");
    execl("/bin/sh", "-sh", NULL);
    warn_errno("/bin/sh");
    _exit(127);
}

static _Noreturn void stop(int status)
{
    sync();
    if (kill(-1, SIGTERM) == 0) { /* there are others: let them end in order */
        for (int i = 0; i < 20; i++) {
            while (waitpid(-1, NULL, WNOHANG) > 0)
                ;
            if (kill(-1, 0) < 0)
                break;
            usleep(10000);
        }
        kill(-1, SIGKILL);
    }
    if (asked_to_stop)
        reboot(RB_POWER_OFF);
    exit(status);
}

int main_init(int argc, char **argv)
{
    bool respawn = argc > 1 && strcmp(argv[1], "respawn") == 0;
    if (getpid() != 1)
        die("only the kernel starts init, as process 1");
    struct sigaction action = {.sa_handler = on_stop};
    sigaction(SIGUSR2, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    signal(SIGINT, SIG_IGN);
    pid_t shell = start_shell();
    while (!asked_to_stop) {
        int status;
        pid_t pid = wait(&status);
        if (pid != shell)
            continue; /* an orphan, or a signal came */
        if (WIFEXITED(status) && !respawn)
            stop(WEXITSTATUS(status));
        if (WIFSIGNALED(status))
            complain("the shell was ended by SIG%s", signal_name(WTERMSIG(status)));
        usleep(100000); /* a shell that cannot start must not eat the processor */
        shell = start_shell();
    }
    stop(0);
}
