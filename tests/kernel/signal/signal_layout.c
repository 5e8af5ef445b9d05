/* Prints what the C library's headers say about siginfo_t, ucontext_t and stack_t, and what a
   real frame looks like from inside a handler. */
#define _GNU_SOURCE
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <ucontext.h>
#include <unistd.h>

#define OFFSET(type, field) printf(#type "." #field " %zu\n", offsetof(type, field))
#define SIZE(type) printf("sizeof " #type " %zu\n", sizeof(type))

static void handler(int signo, siginfo_t *info, void *context) {
    ucontext_t *uc = context;
    char at;
    printf("frame.ucontext %td\n", (char *)uc - (char *)info);
    printf("frame.signo %d %d\n", signo, info->si_signo);
    printf("frame.aligned %d\n", (int)((uintptr_t)info & 15));
    printf("frame.above %d\n", &at < (char *)info);
    printf("frame.pid %d\n", info->si_pid == getpid());
    printf("frame.sp %d\n", uc->uc_mcontext.__gregs[REG_SP] > (unsigned long)info);
    printf("frame.link %d\n", uc->uc_link == 0);
    printf("frame.stack_flags %d\n", uc->uc_stack.ss_flags);
    printf("frame.mask %d\n", sigismember(&uc->uc_sigmask, SIGUSR2));
}

int main(void) {
    SIZE(siginfo_t);
    SIZE(mcontext_t);
    SIZE(stack_t);
    OFFSET(siginfo_t, si_signo);
    OFFSET(siginfo_t, si_errno);
    OFFSET(siginfo_t, si_code);
    OFFSET(siginfo_t, si_pid);
    OFFSET(siginfo_t, si_uid);
    OFFSET(siginfo_t, si_status);
    OFFSET(siginfo_t, si_utime);
    OFFSET(siginfo_t, si_stime);
    OFFSET(siginfo_t, si_value);
    OFFSET(siginfo_t, si_addr);
    OFFSET(siginfo_t, si_band);
    OFFSET(siginfo_t, si_fd);
    OFFSET(siginfo_t, si_timerid);
    OFFSET(siginfo_t, si_overrun);
    OFFSET(siginfo_t, si_call_addr);
    OFFSET(siginfo_t, si_syscall);
    OFFSET(siginfo_t, si_arch);
    OFFSET(stack_t, ss_sp);
    OFFSET(stack_t, ss_flags);
    OFFSET(stack_t, ss_size);
    OFFSET(ucontext_t, uc_flags);
    OFFSET(ucontext_t, uc_link);
    OFFSET(ucontext_t, uc_stack);
    OFFSET(ucontext_t, uc_sigmask);
    OFFSET(ucontext_t, uc_mcontext);
    OFFSET(ucontext_t, uc_mcontext.__gregs[REG_PC]);
    OFFSET(ucontext_t, uc_mcontext.__gregs[REG_SP]);
    OFFSET(ucontext_t, uc_mcontext.__gregs[REG_A0]);
    OFFSET(ucontext_t, uc_mcontext.__fpregs);
    OFFSET(ucontext_t, uc_mcontext.__fpregs.__d.__f[31]);
    OFFSET(ucontext_t, uc_mcontext.__fpregs.__d.__fcsr);
    struct sigaction action = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO};
    sigset_t blocked;
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGUSR2);
    sigprocmask(SIG_BLOCK, &blocked, 0);
    sigaction(SIGUSR1, &action, 0);
    kill(getpid(), SIGUSR1);
    return 0;
}
