/* sigaltstack, stack overflow, faults and their addresses, longjmp out of handlers */
#include "t.h"

static sigjmp_buf back;
static volatile int what, code;
static char *volatile page, *volatile where;

static void on(int number, siginfo_t *info, void *context)
{
    what = number;
    code = info->si_code;
    where = info->si_addr;
    siglongjmp(back, 1);
}

static __attribute__((noinline)) int deeper(volatile char *above)
{
    volatile char room[1024];
    room[0] = above ? above[0] : 0;
    return deeper(room) + room[0];
}

static const char *code_name(void)
{
    return code == SEGV_MAPERR ? "MAPERR" : code == SEGV_ACCERR ? "ACCERR" : "other";
}

#define TRY(title, base, action)                                                             \
    do {                                                                                     \
        if (sigsetjmp(back, 1) == 0) {                                                       \
            action;                                                                          \
            puts(title ": no fault");                                                        \
        } else {                                                                             \
            printf(title ": %s %s offset %ld\n", what == SIGSEGV ? "SEGV" : what == SIGBUS ? "BUS" : "?", \
                   code_name(), (long)(where - (char *)(base)));                             \
        }                                                                                    \
    } while (0)

int main(void)
{
    stack_t stack = {.ss_sp = malloc(65536), .ss_size = 65536}, old;
    ok("sigaltstack", sigaltstack(&stack, NULL));
    sigaltstack(NULL, &old);
    printf("flags %d size %zu\n", old.ss_flags, old.ss_size);
    struct sigaction action = {.sa_sigaction = on, .sa_flags = SA_SIGINFO | SA_ONSTACK};
    sigaction(SIGSEGV, &action, NULL);
    sigaction(SIGBUS, &action, NULL);
    page = mmap(NULL, 3 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    munmap(page + 2 * 4096, 4096);
    mprotect(page + 4096, 4096, PROT_READ);
    volatile char sink;
    TRY("null", NULL, sink = *(volatile char *)NULL);
    TRY("null plus 8", NULL, *(volatile char *)8 = 1);
    TRY("write to read-only", page, page[4096 + 77] = 1);
    TRY("read of read-only", page, sink = page[4096]);
    TRY("behind the mapping", page, sink = page[8192 + 5]);
    mprotect(page, 4096, PROT_NONE);
    TRY("no access", page, sink = page[123]);
    mprotect(page, 4096, PROT_READ | PROT_WRITE);
    TRY("access again", page, page[123] = 9);
    (void)sink;
    if (sigsetjmp(back, 1) == 0)
        deeper(NULL);
    else
        printf("stack overflow: %s\n", what == SIGSEGV ? "SEGV" : "?");
    int fd = open("short", O_RDWR | O_CREAT, 0600);
    ftruncate(fd, 100);
    char *map = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    TRY("last page of the file", map, sink = map[4095]);
    if (sigsetjmp(back, 1) == 0) {
        sink = map[4096 + 9];
        puts("behind the end: no fault");
    } else {
        printf("behind the end: %s\n", what == SIGBUS ? "BUS" : "?");
    }
    sigaltstack(NULL, &old);
    yes("off the stack again", !(old.ss_flags & SS_ONSTACK));
    stack.ss_size = 100;
    ok("too small", sigaltstack(&stack, NULL));
    stack.ss_flags = SS_DISABLE;
    ok("disable", sigaltstack(&stack, NULL));
    return 0;
}
