/* sessions, process groups, controlling terminal, orphaned groups */
#include "t.h"

int main(void)
{
    pid_t pid = fork();
    if (!pid) {
        yes("not a leader", getsid(0) != getpid());
        show("setsid", setsid() == getpid());
        yes("session", getsid(0) == getpid() && getpgrp() == getpid());
        show("setsid again", setsid());
        show("leader's group", setpgid(0, 0));
        show("no terminal", open("/dev/tty", O_RDWR));
        pid_t child = fork();
        if (!child) {
            yes("inherits group", getpgrp() == getppid());
            show("own group", setpgid(0, 0));
            yes("leads", getpgrp() == getpid());
            pause();
            _exit(0);
        }
        until_asleep(child);
        yes("child's group", getpgid(child) == child);
        show("join missing group", setpgid(child, 99999));
        show("kill group", kill(-child, SIGTERM));
        show_status("child", reap(child));
        show("kill empty group", kill(-child, SIGTERM));
        show("getpgid of nobody", getpgid(99999));
        show("negative", setpgid(-1, 0));
        _exit(0);
    }
    show_status("session", reap(pid));
    int ends[2];
    pipe(ends);
    if (!(pid = fork())) { /* a stopped orphaned group gets SIGHUP and SIGCONT */
        setsid();
        pid_t parent = fork();
        if (!parent) {
            pid_t orphan = fork();
            if (!orphan) {
                setpgid(0, 0);
                signal(SIGHUP, SIG_DFL);
                close(ends[0]);
                raise(SIGSTOP);
                _exit(0);
            }
            until_state(orphan, 'T');
            _exit(0);
        }
        reap(parent);
        _exit(0);
    }
    close(ends[1]);
    reap(pid);
    char byte;
    show("orphan is gone", read(ends[0], &byte, 1));
    return 0;
}
