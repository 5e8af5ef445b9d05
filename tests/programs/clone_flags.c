/* clone: shared memory, files, fs; CLONE_VFORK, tid pointers, bad combinations */
#include "t.h"

static volatile int shared;
static char stack[65536] __attribute__((aligned(16)));

static int child(void *argument)
{
    shared = 5;
    close(50);
    if (chdir("/"))
        return 1;
    return 23;
}

int main(void)
{
    char where[4096];
    int tid = 0, status;
    chdir("/tmp");
    dup2(1, 50);
    pid_t pid = clone(child, stack + sizeof stack, SIGCHLD | CLONE_VM | CLONE_FILES | CLONE_FS | CLONE_PARENT_SETTID, NULL, &tid);
    yes("parent tid", tid == pid);
    show_status("shared all", reap(pid));
    show("memory", shared);
    show("descriptor", fcntl(50, F_GETFD));
    getcwd(where, sizeof where);
    yes("folder", strcmp(where, "/") == 0);
    shared = 0;
    chdir("/tmp");
    dup2(1, 50);
    pid = clone(child, stack + sizeof stack, SIGCHLD, NULL);
    show_status("shared nothing", reap(pid));
    show("memory", shared);
    show("descriptor", fcntl(50, F_GETFD));
    getcwd(where, sizeof where);
    yes("folder", strcmp(where, "/tmp") == 0);
    pid = clone(child, stack + sizeof stack, SIGCHLD | CLONE_VM | CLONE_VFORK, NULL);
    show("vfork waits", shared);
    show_status("vfork", reap(pid));
    pid = clone(child, stack + sizeof stack, CLONE_VM | CLONE_VFORK, NULL);
    show("no signal: plain wait", waitpid(pid, &status, 0));
    show("needs __WCLONE", waitpid(pid, &status, __WCLONE) == pid);
    show_status("status", status);
    ok("thread without sighand", syscall(SYS_clone, CLONE_THREAD | SIGCHLD, 0, 0, 0, 0));
    ok("sighand without vm", syscall(SYS_clone, CLONE_SIGHAND | SIGCHLD, 0, 0, 0, 0));
    return 0;
}
