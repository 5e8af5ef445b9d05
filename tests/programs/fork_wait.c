/* fork, wait4, waitid: statuses, options, zombies, orphans */
#include "t.h"

static void die_by(int number)
{
    struct rlimit none = {0, 0};
    setrlimit(RLIMIT_CORE, &none);
    raise(number);
    _exit(1);
}

int main(void)
{
    int status;
    pid_t pid = fork();
    if (!pid)
        _exit(7);
    yes("wait4 returns the child", wait4(pid, &status, 0, NULL) == pid);
    show_status("child", status);
    show("wait again", waitpid(pid, &status, 0));
    static const int signals[] = {SIGKILL, SIGTERM, SIGABRT, SIGUSR1, SIGSEGV};
    for (int i = 0; i < 5; i++) {
        if (!(pid = fork()))
            die_by(signals[i]);
        show_status("killed child", reap(pid));
    }
    if (!(pid = fork())) {
        raise(SIGSTOP);
        pause(); /* so that "continued" can be seen */
    }
    waitpid(pid, &status, WUNTRACED);
    show_status("stop", status);
    show("nothing new", waitpid(pid, &status, WUNTRACED | WNOHANG));
    kill(pid, SIGCONT);
    waitpid(pid, &status, WCONTINUED);
    show_status("continue", status);
    kill(pid, SIGTERM);
    show_status("end", reap(pid));
    if (!(pid = fork()))
        _exit(300);
    siginfo_t info = {0};
    show("waitid WNOWAIT", waitid(P_PID, pid, &info, WEXITED | WNOWAIT));
    printf("code %d status %d signo %d\n", info.si_code == CLD_EXITED, info.si_status, info.si_signo);
    show("waitid", waitid(P_ALL, 0, &info, WEXITED));
    show("no child left", waitid(P_ALL, 0, &info, WEXITED));
    show("waitid bad options", waitid(P_ALL, 0, &info, 0));
    show("waitpid bad options", waitpid(-1, &status, 0x1000));
    int ends[2];
    if (pipe(ends))
        return 1;
    if (!(pid = fork())) { /* an orphan gets another parent */
        if (!fork()) {
            pid_t parent = getppid();
            char byte = 'x';
            if (write(ends[1], &byte, 1) != 1)
                _exit(1);
            while (getppid() == parent)
                pause_ms(5);
            if (write(ends[1], &byte, 1) != 1)
                _exit(1);
            _exit(0);
        }
        char byte;
        _exit(read(ends[0], &byte, 1) != 1);
    }
    show_status("parent of the orphan", reap(pid));
    char byte;
    show("orphan reports", read(ends[0], &byte, 1));
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    if (!(pid = fork())) {
        if (!fork()) {
            pause_ms(30);
            _exit(21);
        }
        _exit(20);
    }
    show_status("first", reap(pid));
    show_status("adopted", reap(-1));
    return 5;
}
