/* ptrace(2): where tracees stop, what their tracer sees and changes. */
#include "t.h"

#include <elf.h>
#include <sys/ptrace.h>
#include <sys/time.h>

#ifdef __GLIBC__
typedef enum __ptrace_request REQUEST;
#else
typedef int REQUEST;
#endif
#define SEIZE ((REQUEST)0x4206)
#define INTERRUPT ((REQUEST)0x4207)
#define LISTEN ((REQUEST)0x4208)
#define CALL_INFO ((REQUEST)0x420e)

static long word = 42;

static const char *name(int event)
{
    static const char *names[] = {"", " fork", " vfork", " clone", " exec", " vfork done", " exit"};
    return event == 128 ? " stop" : event < 7 ? names[event] : " ?";
}

/* Waits for one change of a tracee and prints it; returns its status. */
static int next(const char *what, pid_t pid)
{
    int status = 0;
    pid_t got = waitpid(pid, &status, __WALL);
    if (got < 0)
        show(what, got);
    else if (WIFSTOPPED(status))
        printf("%s: signal %d%s%s\n", what, WSTOPSIG(status) & 0x7f,
               WSTOPSIG(status) & 0x80 ? " call" : "", name(status >> 16));
    else if (WIFSIGNALED(status))
        printf("%s: killed by %d\n", what, WTERMSIG(status));
    else
        printf("%s: exit %d\n", what, WEXITSTATUS(status));
    fflush(stdout);
    return status;
}

/* Starts a child that asks to be traced, stops, and does ``work``. */
static pid_t traced(void (*work)(void))
{
    fflush(stdout);
    pid_t pid = fork();
    if (!pid) {
        if (ptrace(PTRACE_TRACEME, 0, 0, 0) < 0)
            _exit(99);
        kill(getpid(), SIGSTOP); /* raise() may have calls of its own after it */
        work();
        _exit(7);
    }
    next("start", pid);
    return pid;
}

static volatile int handled;

static void handler(int signo)
{
    handled += signo;
}

static void gets_signals(void)
{
    signal(SIGUSR1, handler);
    signal(SIGUSR2, handler);
    raise(SIGUSR1);
    raise(SIGUSR1);
    raise(SIGUSR1);
    _exit(handled);
}

static void signals(void)
{
    siginfo_t info;
    pid_t pid = traced(gets_signals);
    show("signal info", ptrace(PTRACE_GETSIGINFO, pid, 0, &info));
    printf("of %d, code %d, by itself %d\n", info.si_signo, info.si_code, info.si_pid == pid);
    ptrace(PTRACE_CONT, pid, 0, 0);
    next("first", pid);
    ptrace(PTRACE_CONT, pid, 0, (void *)SIGUSR1);
    next("second", pid);
    ptrace(PTRACE_CONT, pid, 0, 0);
    next("third", pid);
    ptrace(PTRACE_CONT, pid, 0, (void *)SIGUSR2);
    next("end", pid);
    printf("expected %d\n", SIGUSR1 + SIGUSR2);
}

static void loops(void)
{
    while (word != 43)
        sched_yield();
    _exit(word);
}

static void memory(void)
{
    pid_t pid = traced(loops);
    errno = 0;
    printf("peek %ld\n", ptrace(PTRACE_PEEKDATA, pid, &word, 0));
    show("peek at 8", ptrace(PTRACE_PEEKDATA, pid, (void *)8, 0));
    show("poke at 8", ptrace(PTRACE_POKEDATA, pid, (void *)8, 1));
    long text = ptrace(PTRACE_PEEKTEXT, pid, (void *)loops, 0);
    show("poke text", ptrace(PTRACE_POKETEXT, pid, (void *)loops, (void *)text));
    printf("ours is still %ld\n", word);
    show("poke", ptrace(PTRACE_POKEDATA, pid, &word, (void *)43));
    ptrace(PTRACE_CONT, pid, 0, 0);
    next("end", pid);
}

static void asks(void)
{
    for (int i = 0; i < 2; i++)
        syscall(SYS_getppid);
    syscall(SYS_close, -1);
    _exit(3);
}

struct call_info {
    unsigned char op;
    unsigned arch;
    unsigned long long pc, sp;
    union {
        struct {
            unsigned long long number, arguments[6];
        } entry;
        struct {
            long long result;
            unsigned char is_error;
        } exit;
    };
};

static void calls(void)
{
    pid_t pid = traced(asks);
    show("options", ptrace(PTRACE_SETOPTIONS, pid, 0, (void *)PTRACE_O_TRACESYSGOOD));
    show("unknown options", ptrace(PTRACE_SETOPTIONS, pid, 0, (void *)0x4000000));
    int status;
    do {
        ptrace(PTRACE_SYSCALL, pid, 0, 0);
        if (waitpid(pid, &status, 0) != pid || !WIFSTOPPED(status))
            break;
        struct call_info info;
        memset(&info, 0, sizeof info);
        long size = ptrace(CALL_INFO, pid, (void *)sizeof info, &info);
        if (info.op == 1 && info.entry.number == SYS_getppid)
            printf("getppid, %ld bytes\n", size);
        else if (info.op == 1 && info.entry.number == SYS_close)
            printf("close(%d)\n", (int)info.entry.arguments[0]);
        else if (info.op == 1)
            printf("another call\n");
        else if (info.exit.is_error)
            printf("= %lld\n", info.exit.result);
        else
            printf("= %s, %ld bytes\n", info.exit.result == getpid() ? "us" : "a number", size);
    } while (1);
    printf("exit %d\n", WEXITSTATUS(status));
}

static void is_interrupted(void)
{
    struct itimerval soon = {.it_value = {.tv_usec = 20000}};
    signal(SIGALRM, handler);
    setitimer(ITIMER_REAL, &soon, 0);
    pause();
    _exit(0);
}

/* rt_sigreturn(2) gives back the register that the signal found, here -EINTR. */
static void call_after_a_signal(void)
{
    pid_t pid = traced(is_interrupted);
    ptrace(PTRACE_SETOPTIONS, pid, 0, (void *)PTRACE_O_TRACESYSGOOD);
    int status, returns = 0;
    long signo = 0;
    while (!ptrace(PTRACE_SYSCALL, pid, 0, (void *)signo)) {
        if (waitpid(pid, &status, 0) != pid || !WIFSTOPPED(status))
            break;
        signo = WSTOPSIG(status) & 0x80 ? 0 : WSTOPSIG(status);
        if (signo)
            continue;
        struct call_info info;
        ptrace(CALL_INFO, pid, (void *)sizeof info, &info);
        if (returns)
            printf("rt_sigreturn = %lld, an error %d\n", info.exit.result, info.exit.is_error);
        returns = info.op == 1 && info.entry.number == SYS_rt_sigreturn;
    }
    printf("exit %d\n", WEXITSTATUS(status));
}

/* Puts another number into a call that is about to be served. */
static void change_call(pid_t pid, long number)
{
    unsigned long registers[64];
    struct iovec vector = {registers, sizeof registers};
    ptrace(PTRACE_GETREGSET, pid, (void *)NT_PRSTATUS, &vector);
#ifdef __riscv
    registers[17] = number; /* a7 */
#else
    registers[15] = number; /* orig_rax */
#endif
    ptrace(PTRACE_SETREGSET, pid, (void *)NT_PRSTATUS, &vector);
}

static void asks_twice(void)
{
    syscall(SYS_getuid);
    printf("asked for the parent: %s\n", syscall(SYS_getppid) == getpid() ? "ourselves" : "it");
    show("asked again", syscall(SYS_getppid));
    fflush(stdout);
    _exit(3);
}

static void changed_calls(void)
{
    pid_t pid = traced(asks_twice);
    int status, seen = 0;
    ptrace(PTRACE_SYSCALL, pid, 0, 0);
    waitpid(pid, &status, 0);
    struct call_info info;
    printf("size %ld", ptrace(CALL_INFO, pid, (void *)sizeof info, &info));
    printf(", operation %d: nothing known without the option\n", info.op);
    ptrace(PTRACE_SETOPTIONS, pid, 0, (void *)PTRACE_O_TRACESYSGOOD);
    for (;;) {
        ptrace(PTRACE_SYSCALL, pid, 0, 0);
        if (waitpid(pid, &status, 0) != pid || !WIFSTOPPED(status))
            break;
        ptrace(CALL_INFO, pid, (void *)sizeof info, &info);
        if (info.op == 1 && info.entry.number == SYS_getppid)
            change_call(pid, seen++ ? -1 : SYS_getpid);
    }
    printf("exit %d\n", WEXITSTATUS(status));
}

static void vforks(void)
{
    pid_t pid = vfork();
    if (!pid)
        _exit(5);
    waitpid(pid, &(int){0}, 0);
    _exit(6);
}

static void vfork_events(void)
{
    pid_t pid = traced(vforks);
    ptrace(PTRACE_SETOPTIONS, pid, 0, (void *)(PTRACE_O_TRACEVFORK | PTRACE_O_TRACEVFORKDONE));
    ptrace(PTRACE_CONT, pid, 0, 0);
    next("parent", pid);
    unsigned long child = 0, same = 0;
    ptrace(PTRACE_GETEVENTMSG, pid, 0, &child);
    next("child", child);
    ptrace(PTRACE_CONT, pid, 0, 0);
    ptrace(PTRACE_CONT, child, 0, 0);
    next("child", child);
    next("parent", pid);
    ptrace(PTRACE_GETEVENTMSG, pid, 0, &same);
    printf("the same child %d\n", same == child);
    ptrace(PTRACE_CONT, pid, 0, 0);
    next("parent", pid); /* SIGCHLD */
    ptrace(PTRACE_CONT, pid, 0, 0);
    next("parent", pid);
}

static void waits_blocked(void)
{
    sigset_t all;
    sigfillset(&all);
    sigprocmask(SIG_BLOCK, &all, NULL);
    for (int i = 0; i < 3; i++)
        sigqueue(getpid(), SIGRTMIN, (union sigval){.sival_int = i});
    syscall(SYS_tgkill, getpid(), getpid(), SIGUSR1);
    sigprocmask(SIG_UNBLOCK, &(sigset_t){0}, NULL);
    kill(getpid(), SIGSTOP);
    pause();
}

static void peek(const char *what, pid_t pid, unsigned long long offset, unsigned flags, int count)
{
    struct {
        unsigned long long offset;
        unsigned flags;
        int count;
    } arguments = {offset, flags, count};
    siginfo_t infos[8];
    long got = show(what, ptrace((REQUEST)0x4209, pid, &arguments, infos));
    for (long i = 0; i < got; i++)
        printf("  %s %d\n", infos[i].si_signo == SIGRTMIN ? "real-time" : "standard",
               infos[i].si_signo == SIGRTMIN ? infos[i].si_value.sival_int : infos[i].si_signo);
}

static void queued(void)
{
    pid_t pid = traced(waits_blocked);
    peek("nothing yet", pid, 0, 0, 8);
    ptrace(PTRACE_CONT, pid, 0, 0);
    next("blocked", pid);
    peek("of the thread", pid, 0, 0, 8);
    peek("of the process", pid, 0, 1, 8);
    peek("from the second", pid, 1, 1, 1);
    peek("behind the last", pid, 9, 1, 8);
    peek("none", pid, 0, 1, 0);
    peek("less than none", pid, 0, 1, -1);
    peek("unknown flags", pid, 0, 2, 1);
    show("no arguments", ptrace((REQUEST)0x4209, pid, (void *)8, NULL));
    ptrace(PTRACE_KILL, pid, 0, 0);
    next("end", pid);
}

static void makes(void)
{
    pid_t pid = fork();
    if (!pid)
        _exit(5);
    int status;
    waitpid(pid, &status, 0);
    execl("/proc/self/exe", "ptrace", "again", NULL);
}

static void events(void)
{
    pid_t pid = traced(makes);
    show("options", ptrace(PTRACE_SETOPTIONS, pid, 0,
                           (void *)(PTRACE_O_TRACEFORK | PTRACE_O_TRACEEXEC | PTRACE_O_TRACEEXIT)));
    ptrace(PTRACE_CONT, pid, 0, 0);
    next("parent", pid);
    unsigned long message = 0;
    ptrace(PTRACE_GETEVENTMSG, pid, 0, &message);
    siginfo_t info;
    ptrace(PTRACE_GETSIGINFO, pid, 0, &info);
    printf("signal %d, code %#x\n", info.si_signo, info.si_code);
    pid_t child = message;
    next("child", child);
    ptrace(PTRACE_CONT, child, 0, 0);
    next("child", child);
    ptrace(PTRACE_GETEVENTMSG, child, 0, &message);
    printf("status %#lx\n", message);
    ptrace(PTRACE_CONT, child, 0, 0);
    next("child", child);
    ptrace(PTRACE_CONT, pid, 0, 0);
    next("parent", pid); /* SIGCHLD, which it does not even catch */
    ptrace(PTRACE_CONT, pid, 0, (void *)SIGCHLD);
    next("parent", pid);
    ptrace(PTRACE_GETEVENTMSG, pid, 0, &message);
    printf("the same thread %d\n", message == (unsigned long)pid);
    ptrace(PTRACE_CONT, pid, 0, 0);
    next("parent", pid);
    ptrace(PTRACE_CONT, pid, 0, 0);
    next("parent", pid);
}

static void execs(void)
{
    execl("/proc/self/exe", "ptrace", "again", NULL);
}

static void plain_exec(void)
{
    pid_t pid = traced(execs);
    ptrace(PTRACE_CONT, pid, 0, 0);
    next("after execve", pid);
    ptrace(PTRACE_CONT, pid, 0, 0);
    next("end", pid);
}

static void stops(void)
{
    pause();
}

static void attaching(void)
{
    fflush(stdout);
    pid_t pid = fork();
    if (!pid) {
        for (;;)
            pause();
    }
    show("attach to ourselves", ptrace(PTRACE_ATTACH, getpid(), 0, 0));
    show("attach to nobody", ptrace(PTRACE_ATTACH, 99999, 0, 0));
    show("continue a stranger", ptrace(PTRACE_CONT, pid, 0, 0));
    show("attach", ptrace(PTRACE_ATTACH, pid, 0, 0));
    next("attached", pid);
    show("attach twice", ptrace(PTRACE_ATTACH, pid, 0, 0));
    show("interrupt", ptrace(INTERRUPT, pid, 0, 0));
    show("continue", ptrace(PTRACE_CONT, pid, 0, 0));
    show("peek while it runs", ptrace(PTRACE_SETOPTIONS, pid, 0, 0));
    kill(pid, SIGSTOP);
    next("stopped", pid);
    show("detach", ptrace(PTRACE_DETACH, pid, 0, 0));
    show("detach twice", ptrace(PTRACE_DETACH, pid, 0, 0));
    show("seize with an address", ptrace(SEIZE, pid, (void *)1, 0));
    show("seize", ptrace(SEIZE, pid, 0, 0));
    show("interrupt", ptrace(INTERRUPT, pid, 0, 0));
    next("interrupted", pid);
    show("continue", ptrace(PTRACE_CONT, pid, 0, 0));
    kill(pid, SIGSTOP);
    next("a signal", pid);
    ptrace(PTRACE_CONT, pid, 0, (void *)SIGSTOP);
    next("a job-control stop", pid);
    siginfo_t info;
    show("signal info", ptrace(PTRACE_GETSIGINFO, pid, 0, &info));
    show("listen", ptrace(LISTEN, pid, 0, 0));
    kill(pid, SIGCONT);
    next("continued", pid);
    ptrace(PTRACE_CONT, pid, 0, 0);
    next("its signal", pid);
    ptrace(PTRACE_CONT, pid, 0, 0);
    kill(pid, SIGKILL);
    do {
        waitpid(pid, &(int){0}, __WALL);
    } while (!kill(pid, 0));
    show("a dead one", ptrace(PTRACE_CONT, pid, 0, 0));
}

static void *runs(void *unused)
{
    return unused;
}

static void has_threads(void)
{
    pthread_t thread;
    pthread_create(&thread, NULL, runs, NULL);
    pthread_join(thread, NULL);
    usleep(100000); /* joined is not gone: exit_group() would give it its status */
    _exit(4);
}

static void threads(void)
{
    pid_t pid = traced(has_threads);
    ptrace(PTRACE_SETOPTIONS, pid, 0, (void *)PTRACE_O_TRACECLONE);
    ptrace(PTRACE_CONT, pid, 0, 0);
    next("leader", pid);
    unsigned long thread = 0;
    ptrace(PTRACE_GETEVENTMSG, pid, 0, &thread);
    next("thread", thread);
    ptrace(PTRACE_CONT, pid, 0, 0);
    ptrace(PTRACE_CONT, thread, 0, 0);
    next("thread", thread);
    next("leader", pid);
}

static void registers(void)
{
    pid_t pid = traced(stops);
    char space[1024];
    struct iovec vector = {space, sizeof space};
    show("registers", ptrace(PTRACE_GETREGSET, pid, (void *)NT_PRSTATUS, &vector));
    printf("less than asked for %d\n", vector.iov_len < sizeof space);
    show("back", ptrace(PTRACE_SETREGSET, pid, (void *)NT_PRSTATUS, &vector));
    vector.iov_len = sizeof space;
    show("floating point", ptrace(PTRACE_GETREGSET, pid, (void *)NT_PRFPREG, &vector));
    vector.iov_len = 12;
    show("a part", ptrace(PTRACE_GETREGSET, pid, (void *)NT_PRSTATUS, &vector));
    show("of another kind", ptrace(PTRACE_GETREGSET, pid, (void *)77, &vector));
    show("a bad vector", ptrace(PTRACE_GETREGSET, pid, (void *)NT_PRSTATUS, (void *)8));
    unsigned long mask = 0;
    show("mask", ptrace((REQUEST)0x420a, pid, (void *)8, &mask));
    show("half a mask", ptrace((REQUEST)0x420a, pid, (void *)4, &mask));
    show("no request", ptrace((REQUEST)0x7777, pid, 0, 0));
    show("a bad signal", ptrace(PTRACE_CONT, pid, 0, (void *)99));
    show("kill", ptrace(PTRACE_KILL, pid, 0, 0));
    next("end", pid);
}

static void tracer_dies(void)
{
    int pipes[2];
    show("pipe", pipe(pipes));
    fflush(stdout);
    pid_t tracer = fork();
    if (!tracer) {
        pid_t pid = fork();
        if (!pid) {
            ptrace(PTRACE_TRACEME, 0, 0, 0);
            raise(SIGSTOP);
            write(pipes[1], "alive", 5);
            _exit(0);
        }
        waitpid(pid, &(int){0}, 0);
        _exit(0);
    }
    waitpid(tracer, &(int){0}, 0);
    close(pipes[1]);
    char text[6] = "";
    read(pipes[0], text, 5);
    printf("after its tracer's end: %s\n", text);
}

static int ends[2];

static void reads_a_pipe(void)
{
    char byte;
    for (int i = 0; i < 20; i++)
        read(ends[0], &byte, 1);
    _exit(0);
}

/* A call that waited is over: its tracer finds it stopped, whoever runs first then. */
static void woken_calls(void)
{
    int status, stops = 0, failed = 0;
    struct timespec moment = {0, 1000000};
    pipe(ends);
    pid_t pid = traced(reads_a_pipe);
    pid_t writer = fork();
    if (!writer) {
        for (int i = 0; i < 20; i++) {
            nanosleep(&moment, 0);
            write(ends[1], "x", 1);
        }
        _exit(0);
    }
    do {
        failed += ptrace(PTRACE_SYSCALL, pid, 0, 0) < 0;
        stops++;
    } while (waitpid(pid, &status, __WALL) == pid && WIFSTOPPED(status) && !failed);
    printf("woken calls: stops %d, failed %d\n", stops, failed);
    kill(pid, SIGKILL);
    waitpid(writer, 0, 0);
}

int main(int argc, char **argv)
{
    if (argc > 1 && !strcmp(argv[1], "again"))
        return 9;
    show("trace me twice", ptrace(PTRACE_CONT, getpid(), 0, 0));
    signals();
    memory();
    calls();
    call_after_a_signal();
    changed_calls();
    woken_calls();
    vfork_events();
    queued();
    events();
    plain_exec();
    attaching();
    threads();
    registers();
    tracer_dies();
    return 0;
}
