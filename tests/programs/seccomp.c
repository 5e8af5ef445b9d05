/* seccomp: strict mode, filters with every action, what a filter is told, and bad filters */
#include "child.h"

#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/ptrace.h>

#ifdef __riscv
#define ARCH AUDIT_ARCH_RISCV64
#else
#define ARCH AUDIT_ARCH_X86_64
#endif
#define LOAD(field) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
#define RETURN(value) BPF_STMT(BPF_RET | BPF_K, value)
/* If the call is ``number`` return ``value``. */
#define WHEN(number, value) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, 0, 1), RETURN(value)
#define LENGTH(array) (sizeof array / sizeof *array)

static long install(struct sock_filter *code, unsigned count, unsigned flags)
{
    struct sock_fprog program = {count, code};
    return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &program);
}

static void strict(void)
{
    show("mode", prctl(PR_GET_SECCOMP));
    show("strict", prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT));
    write(1, "may write\n", 10);
    syscall(SYS_getpid);
    write(1, "not here\n", 9);
}

static void strict_exit(void)
{
    syscall(SYS_seccomp, SECCOMP_SET_MODE_STRICT, 0, NULL);
    syscall(SYS_exit, 7);
}

static struct sock_filter answers[] = {
    LOAD(arch), BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ARCH, 1, 0), RETURN(SECCOMP_RET_KILL_PROCESS),
    LOAD(nr),
    WHEN(SYS_getppid, SECCOMP_RET_ERRNO | 5),
    WHEN(SYS_getuid, SECCOMP_RET_ERRNO | 0),
    WHEN(SYS_getgid, SECCOMP_RET_ERRNO | 0xffff),
    WHEN(SYS_getsid, SECCOMP_RET_TRAP | 99),
    WHEN(SYS_getegid, SECCOMP_RET_TRACE | 1),
    WHEN(SYS_geteuid, SECCOMP_RET_USER_NOTIF),
    WHEN(SYS_getpgid, SECCOMP_RET_LOG),
    WHEN(SYS_umask, SECCOMP_RET_KILL_PROCESS),
    WHEN(SYS_chroot, SECCOMP_RET_KILL_THREAD),
    WHEN(SYS_sync, 0x12340000),
    WHEN(400000, SECCOMP_RET_ERRNO | 11),
    RETURN(SECCOMP_RET_ALLOW),
};

static void caught(int signo, siginfo_t *info, void *context)
{
    (void)context;
    printf("signal %d, code %d, errno %d, ours %d, call %d\n", signo, info->si_code, info->si_errno,
           info->si_arch == ARCH, info->si_syscall == SYS_getsid);
}

static void filter(void)
{
    struct sigaction action = {.sa_sigaction = caught, .sa_flags = SA_SIGINFO};
    sigaction(SIGSYS, &action, NULL);
    show("filter", install(answers, LENGTH(answers), 0));
    show("mode", prctl(PR_GET_SECCOMP));
    show("an error", syscall(SYS_getppid));
    show("error 0", syscall(SYS_getuid));
    show("too large an error", syscall(SYS_getgid) == -1 ? errno : 0);
    syscall(SYS_getsid, 12345);
    show("no tracer", syscall(SYS_getegid));
    show("no listener", syscall(SYS_geteuid));
    show("a number that nobody has", syscall(400000));
    show("logged", syscall(SYS_getpgid, 0) >= 0);
    show("strict after a filter", prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT));
}

static void killed(void)
{
    struct sigaction action = {.sa_sigaction = caught, .sa_flags = SA_SIGINFO};
    sigaction(SIGSYS, &action, NULL);
    install(answers, LENGTH(answers), 0);
    syscall(SYS_umask, 0);
    printf("not here\n");
}

static void unknown_action(void)
{
    install(answers, LENGTH(answers), 0);
    syscall(SYS_sync);
    printf("not here\n");
}

static void *asks_too_much(void *unused)
{
    syscall(SYS_chroot, "/");
    printf("not here\n");
    return unused;
}

static void thread_killed(void)
{
    pthread_t thread;
    install(answers, LENGTH(answers), 0);
    pthread_create(&thread, NULL, asks_too_much, NULL);
    pause_ms(100);
    printf("the others go on\n");
}

static void ignored_trap(void)
{
    signal(SIGSYS, SIG_IGN);
    install(answers, LENGTH(answers), 0);
    syscall(SYS_getsid, 0);
    printf("not here\n");
}

static void arguments(void)
{
    struct sock_filter code[] = {
        LOAD(nr), BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getsid, 0, 5),
        LOAD(args[0]), BPF_STMT(BPF_ST, 3), BPF_STMT(BPF_LDX | BPF_MEM, 3),
        BPF_STMT(BPF_MISC | BPF_TXA, 0), BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, 100, 1, 0),
        RETURN(SECCOMP_RET_ALLOW), RETURN(SECCOMP_RET_ERRNO | 7),
    };
    struct sock_filter calculates[] = {
        LOAD(nr), BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getpriority, 1, 0),
        RETURN(SECCOMP_RET_ALLOW),
        LOAD(args[1]), BPF_STMT(BPF_ALU | BPF_MUL | BPF_K, 6), BPF_STMT(BPF_ALU | BPF_SUB | BPF_K, 4),
        BPF_STMT(BPF_ALU | BPF_RSH | BPF_K, 1), BPF_STMT(BPF_ALU | BPF_XOR | BPF_K, 1),
        BPF_STMT(BPF_ALU | BPF_OR | BPF_K, SECCOMP_RET_ERRNO), BPF_STMT(BPF_RET | BPF_A, 0),
    };
    show("by arguments", install(code, LENGTH(code), 0));
    show("below", syscall(SYS_getsid, 0) >= 0);
    show("above", syscall(SYS_getsid, 100) == -1 ? errno : 0);
    show("below again", syscall(SYS_getsid, 0) >= 0);
    show("calculated", install(calculates, LENGTH(calculates), 0));
    for (int i = 1; i < 5; i++)
        show("result", syscall(SYS_getpriority, 0, i) == -1 ? errno : 0);
}

static void inherited(void)
{
    struct sock_filter first[] = {LOAD(nr), WHEN(SYS_getppid, SECCOMP_RET_ERRNO | 3),
                                  WHEN(SYS_getuid, SECCOMP_RET_ERRNO | 3), RETURN(SECCOMP_RET_ALLOW)};
    struct sock_filter second[] = {LOAD(nr), WHEN(SYS_getppid, SECCOMP_RET_ERRNO | 4),
                                   WHEN(SYS_getuid, SECCOMP_RET_TRAP), RETURN(SECCOMP_RET_ALLOW)};
    install(first, LENGTH(first), 0);
    show("second", install(second, LENGTH(second), 0));
    show("the newest of equals", syscall(SYS_getppid) == -1 ? errno : 0);
    fflush(stdout);
    pid_t pid = fork();
    if (!pid) {
        show("a child", syscall(SYS_getppid) == -1 ? errno : 0);
        execl("/proc/self/exe", "seccomp", "again", NULL);
    }
    show_status("its program", reap(pid));
    pid = fork();
    if (!pid)
        syscall(SYS_getuid);
    show_status("the strictest", reap(pid));
}

static void *waits(void *unused)
{
    pause_ms(100);
    show("another thread", syscall(SYS_getppid) == -1 ? errno : 0);
    return unused;
}

static void synchronized(void)
{
    pthread_t thread;
    pthread_create(&thread, NULL, waits, NULL);
    show("for all threads", install(answers, LENGTH(answers), SECCOMP_FILTER_FLAG_TSYNC));
    pthread_join(thread, NULL);
}

static void traced(void)
{
    fflush(stdout);
    pid_t pid = fork();
    int status;
    if (!pid) {
        ptrace(PTRACE_TRACEME, 0, 0, 0);
        kill(getpid(), SIGSTOP);
        install(answers, LENGTH(answers), 0);
        show("with a tracer", syscall(SYS_getegid));
        fflush(stdout);
        _exit(0);
    }
    waitpid(pid, &status, 0);
    ptrace(PTRACE_SETOPTIONS, pid, 0, (void *)PTRACE_O_TRACESECCOMP);
    ptrace(PTRACE_CONT, pid, 0, 0);
    waitpid(pid, &status, 0);
    printf("event %d", status >> 16);
    unsigned long message = 0;
    ptrace(PTRACE_GETEVENTMSG, pid, 0, &message);
    printf(", message %lu\n", message);
    fflush(stdout);
    ptrace(PTRACE_CONT, pid, 0, 0);
    show_status("traced", reap(pid));
}

static void bad_filters(void)
{
    struct sock_filter open_end[] = {LOAD(nr)};
    struct sock_filter unaligned[] = {BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 2), RETURN(0)};
    struct sock_filter outside[] = {BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 64), RETURN(0)};
    struct sock_filter too_far[] = {BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 2), RETURN(0)};
    struct sock_filter jumps[] = {BPF_STMT(BPF_JMP | BPF_JA, 1), RETURN(0)};
    struct sock_filter unset[] = {BPF_STMT(BPF_LD | BPF_MEM, 1), RETURN(0)};
    struct sock_filter divides[] = {BPF_STMT(BPF_ALU | BPF_DIV | BPF_K, 0), RETURN(0)};
    struct sock_filter half[] = {BPF_STMT(BPF_LD | BPF_H | BPF_ABS, 0), RETURN(0)};
    show("no end", install(open_end, 1, 0));
    show("not aligned", install(unaligned, 2, 0));
    show("outside", install(outside, 2, 0));
    show("too far", install(too_far, 2, 0));
    show("beyond", install(jumps, 2, 0));
    show("not written", install(unset, 2, 0));
    show("by zero", install(divides, 2, 0));
    show("half a word", install(half, 2, 0));
    show("empty", install(half, 0, 0));
    show("too long", install(half, 5000, 0));
    show("no filter", syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, (void *)8));
    show("no code", install((void *)8, 2, 0));
    show("flags", install(open_end, 1, 1 << 20));
    show("operation", syscall(SYS_seccomp, 99, 0, NULL));
    show("strict with flags", syscall(SYS_seccomp, SECCOMP_SET_MODE_STRICT, 1, NULL));
    unsigned actions[] = {SECCOMP_RET_ALLOW, SECCOMP_RET_TRAP, 0x12340000};
    for (int i = 0; i < 3; i++)
        show("action", syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, actions + i));
    show("action where", syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, (void *)8));
    show("mode 3", prctl(PR_SET_SECCOMP, 3, 0));
}

int main(int argc, char **argv)
{
    if (argc > 1 && !strcmp(argv[1], "again")) {
        show("a program", syscall(SYS_getppid) == -1 ? errno : 0);
        return 0;
    }
    in_child("strict", strict);
    in_child("strict exit", strict_exit);
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    in_child("filter", filter);
    in_child("killed", killed);
    in_child("unknown action", unknown_action);
    in_child("thread killed", thread_killed);
    in_child("ignored trap", ignored_trap);
    in_child("arguments", arguments);
    in_child("inherited", inherited);
    in_child("synchronized", synchronized);
    traced();
    bad_filters();
    return 0;
}
