/* init - the first process: runs a shell on the console and reaps the orphans.
 *
 * When the shell ends, everything else is ended and the machine stops with the shell's status.
 * `init respawn` starts a new shell instead; `poweroff` stops the machine in both cases.
 * A shell that was killed by a signal is always replaced.
 *
 * The first byte that arrives on another serial line (ttyS1 to ttyS3) starts a shell there;
 * when that one ends, the line waits again.
 */
#include <poll.h>
#include <sys/reboot.h>
#include <termios.h>
#include "starry.h"

#define LINES 3 /* beside the console */

struct line {
    char name[16];
    int fd; /* while init waits for a byte; else -1 */
    pid_t shell;
    struct termios settings; /* for the shell */
};

static struct line lines[LINES];
static volatile sig_atomic_t asked_to_stop;

static void on_stop(int number)
{
    asked_to_stop = 1;
}

static void on_child(int number)
{
    (void)number; /* it ends ppoll */
}

/* Waits for the first byte on a line, if the machine has it. */
static void watch_line(struct line *line)
{
    line->shell = 0;
    line->fd = open(line->name, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
    if (line->fd < 0 || tcgetattr(line->fd, &line->settings) < 0)
        return;
    struct termios raw = line->settings;
    raw.c_lflag &= ~(ICANON | ECHO | ISIG);
    raw.c_cc[VMIN] = 1;
    raw.c_cc[VTIME] = 0;
    tcsetattr(line->fd, TCSANOW, &raw);
}

static pid_t start_shell(const char *terminal, const sigset_t *mask)
{
    pid_t pid = fork();
    if (pid < 0)
        die_errno("fork");
    if (pid > 0)
        return pid;
    setsid();
    sigprocmask(SIG_SETMASK, mask, NULL);
    int console = open(terminal, O_RDWR);
    if (console >= 0) {
        for (int fd = 0; fd < 3; fd++)
            dup2(console, fd);
        if (console > 2)
            close(console);
    }
    ioctl(0, TIOCSCTTY, 1); /* the terminal's signals go to this session */
    signal(SIGUSR2, SIG_DFL);
    signal(SIGTERM, SIG_DFL);
    signal(SIGCHLD, SIG_DFL);
    setenv("HOME", "/root", 0);
    if (chdir("/root") < 0 && chdir("/") < 0)
        warn_errno("/");
    execl("/bin/sh", "-sh", NULL);
    warn_errno("/bin/sh");
    _exit(127);
}

static void open_line(struct line *line, const sigset_t *mask)
{
    tcflush(line->fd, TCIFLUSH); /* the byte said only that somebody is there */
    tcsetattr(line->fd, TCSANOW, &line->settings);
    close(line->fd);
    line->fd = -1;
    line->shell = start_shell(line->name, mask);
}

/* Sleeps until a signal comes, or a byte on one of the lines. */
static void wait_for_news(const sigset_t *mask)
{
    struct pollfd polled[LINES];
    for (int i = 0; i < LINES; i++)
        polled[i] = (struct pollfd){.fd = lines[i].fd, .events = POLLIN};
    if (ppoll(polled, LINES, NULL, mask) <= 0)
        return;
    for (int i = 0; i < LINES; i++) {
        if (polled[i].revents & POLLIN && !(polled[i].revents & POLLHUP)) {
            open_line(&lines[i], mask);
        } else if (polled[i].revents) { /* hung up */
            close(lines[i].fd);
            watch_line(&lines[i]);
        }
    }
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
    struct sigaction child = {.sa_handler = on_child};
    sigaction(SIGCHLD, &child, NULL);
    sigset_t ours, mask; /* the signals come in ppoll only */
    sigemptyset(&ours);
    sigaddset(&ours, SIGCHLD);
    sigaddset(&ours, SIGUSR2);
    sigaddset(&ours, SIGTERM);
    sigprocmask(SIG_BLOCK, &ours, &mask);
    for (int i = 0; i < LINES; i++) {
        snprintf(lines[i].name, sizeof lines[i].name, "/dev/ttyS%d", i + 1);
        watch_line(&lines[i]);
    }
    pid_t shell = start_shell("/dev/console", &mask);
    while (!asked_to_stop) {
        int status;
        pid_t pid = waitpid(-1, &status, WNOHANG);
        if (pid <= 0) {
            wait_for_news(&mask);
            continue;
        }
        for (int i = 0; i < LINES; i++)
            if (pid == lines[i].shell)
                watch_line(&lines[i]);
        if (pid != shell)
            continue; /* an orphan, or the shell of a line */
        if (WIFEXITED(status) && !respawn)
            stop(WEXITSTATUS(status));
        if (WIFSIGNALED(status))
            complain("the shell was ended by SIG%s", signal_name(WTERMSIG(status)));
        usleep(100000); /* a shell that cannot start must not eat the processor */
        shell = start_shell("/dev/console", &mask);
    }
    stop(0);
}
