/* Prints what signals do; the output must be the same on every Linux. */
#define _GNU_SOURCE
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

static volatile sig_atomic_t hits;
static volatile double noise;
static sigjmp_buf escape;
static char altstack[16384] __attribute__((aligned(16)));

static void install(int signo, void (*handler)(int, siginfo_t *, void *), int flags) {
    struct sigaction action = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO | flags};
    sigaction(signo, &action, 0);
}

static void count(int signo, siginfo_t *info, void *context) {
    hits++;
    noise = hits * 1.5 / (signo + 0.25); /* spoils floating-point registers and flags */
}

static void show(int signo, siginfo_t *info, void *context) {
    int value = info->si_code == SI_QUEUE ? info->si_value.sival_int : -1;
    printf("signal %d code %d value %d\n", signo, info->si_code, value);
}

static void fault(int signo, siginfo_t *info, void *context) {
    char here;
    printf("fault %d code %d addr %lx alt %d\n", signo, info->si_code, (long)info->si_addr,
           &here >= altstack && &here < altstack + sizeof altstack);
    siglongjmp(escape, 1);
}

static void skip(int signo, siginfo_t *info, void *context) {
    ucontext_t *uc = context;
    printf("trap %d code %d here %d\n", signo, info->si_code,
           (unsigned long)info->si_addr == uc->uc_mcontext.__gregs[REG_PC]);
    uc->uc_mcontext.__gregs[REG_PC] += 4; /* ebreak, not compressed */
    uc->uc_mcontext.__gregs[REG_A0] = 4242;
}

static void floating(void) {
    double a = 1.0, sum = 0;
    for (int i = 0; i < 200; i++) {
        a = a * 1.01 + 0.5;
        if (i % 10 == 0) raise(SIGUSR1);
        sum += a;
    }
    printf("floating %.17g hits %d\n", sum, (int)hits);
}

static void queue(void) {
    sigset_t set, old;
    sigfillset(&set);
    sigprocmask(SIG_SETMASK, &set, &old);
    for (int i = 0; i < 3; i++) {
        sigqueue(getpid(), SIGRTMIN + 1, (union sigval){.sival_int = i});
        sigqueue(getpid(), SIGRTMIN, (union sigval){.sival_int = 10 + i});
        kill(getpid(), SIGUSR2);
    }
    sigpending(&set);
    printf("pending %d %d %d\n", sigismember(&set, SIGUSR2), sigismember(&set, SIGRTMIN),
           sigismember(&set, SIGUSR1));
    fflush(stdout);
    sigprocmask(SIG_SETMASK, &old, 0);
}

static void restart(int flags) {
    int fds[2];
    char byte = 0;
    pipe(fds);
    install(SIGALRM, count, flags);
    hits = 0;
    pid_t parent = getpid(), child = fork();
    if (!child) {
        usleep(20000);
        kill(parent, SIGALRM);
        usleep(20000);
        write(fds[1], "x", 1);
        _exit(0);
    }
    ssize_t got = read(fds[0], &byte, 1);
    printf("read %zd %s hits %d\n", got, got < 0 ? strerror(errno) : "ok", (int)hits);
    while (waitpid(child, 0, 0) < 0) {
    }
    close(fds[0]);
    close(fds[1]);
}

static void child_states(void) {
    int status;
    pid_t child = fork();
    if (!child) {
        signal(SIGCONT, SIG_DFL);
        raise(SIGSTOP);
        _exit(5);
    }
    waitpid(child, &status, WUNTRACED);
    printf("stopped %d by %d\n", WIFSTOPPED(status), WSTOPSIG(status));
    kill(child, SIGCONT);
    waitpid(child, &status, 0);
    printf("exited %d with %d\n", WIFEXITED(status), WEXITSTATUS(status));
    for (int i = 0; i < 4; i++) {
        static const int signals[] = {SIGTERM, SIGKILL, SIGABRT, SIGUSR1};
        child = fork();
        if (!child) {
            signal(SIGUSR1, SIG_DFL);
            if (signals[i] == SIGABRT) abort();
            raise(signals[i]);
            _exit(0);
        }
        waitpid(child, &status, 0);
        printf("killed %d by %d\n", WIFSIGNALED(status), WTERMSIG(status));
    }
}

static void overflow(int depth) {
    volatile char block[4096];
    block[0] = depth;
    if (depth >= 0) overflow(depth + 1);
    block[1] = block[0];
}

int main(void) {
    install(SIGUSR1, count, 0);
    floating();
    install(SIGRTMIN, show, 0);
    install(SIGRTMIN + 1, show, 0);
    install(SIGUSR2, show, 0);
    queue();
    restart(0);
    restart(SA_RESTART);
    child_states();
    char *page = mmap(0, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    stack_t stack = {.ss_sp = altstack, .ss_size = sizeof altstack};
    sigaltstack(&stack, 0);
    install(SIGSEGV, fault, SA_ONSTACK | SA_NODEFER);
    if (!sigsetjmp(escape, 1)) *(volatile int *)16 = 1;
    install(SIGSEGV, fault, SA_NODEFER);
    if (!sigsetjmp(escape, 1)) *(volatile int *)24 = 1;
    printf("page %d\n", page[0]);
    install(SIGTRAP, skip, 0);
    register long a0 __asm__("a0") = 1;
    __asm__ volatile(".option push\n.option norvc\nebreak\n.option pop" : "+r"(a0) : : "memory");
    printf("after the trap %ld\n", a0);
    struct timespec zero = {0, 1000000};
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGHUP);
    sigprocmask(SIG_BLOCK, &set, 0);
    errno = 0;
    printf("timed wait %d %d\n", sigtimedwait(&set, 0, &zero), errno == EAGAIN);
    raise(SIGHUP);
    siginfo_t info;
    printf("timed wait %d code %d\n", sigtimedwait(&set, &info, &zero), info.si_code);
    fflush(stdout);
    pid_t child = fork();
    int status;
    if (!child) {
        signal(SIGSEGV, SIG_DFL);
        overflow(0);
        _exit(0);
    }
    waitpid(child, &status, 0);
    printf("overflow %d %d\n", WIFSIGNALED(status), WTERMSIG(status));
    return 0;
}
