/* code that is written while it runs: mprotect, icache flush, two copies */
#include "t.h"

#if defined(__riscv)
static const uint32_t body[] = {0x02a00513, 0x00008067}; /* li a0, 42; ret */
#define SET(code, value) ((code)[0] = 0x00000513 | (uint32_t)(value) << 20)
#elif defined(__aarch64__)
static const uint32_t body[] = {0x52800540, 0xd65f03c0}; /* mov w0, 42; ret */
#define SET(code, value) ((code)[0] = 0x52800000 | (uint32_t)(value) << 5)
#else
static const uint32_t body[] = {0x0280a804, 0x4c000020}; /* addi.w a0, zero, 42; jr ra */
#define SET(code, value) ((code)[0] = 0x02800004 | (uint32_t)(value) << 10)
#endif

int main(void)
{
    uint32_t *code = mmap(NULL, 8192, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    memcpy(code, body, sizeof body);
    __builtin___clear_cache((char *)code, (char *)(code + 2));
    int (*call)(void) = (int (*)(void))code;
    long sum = 0;
    for (int i = 0; i < 200; i++) {
        SET(code, i);
        __builtin___clear_cache((char *)code, (char *)(code + 2));
        sum += call();
    }
    show("sum", sum);
    mprotect(code, 4096, PROT_READ | PROT_EXEC);
    show("read-only", call());
    pid_t pid = fork();
    if (!pid) {
        mprotect(code, 4096, PROT_READ | PROT_WRITE | PROT_EXEC);
        SET(code, 7);
        __builtin___clear_cache((char *)code, (char *)(code + 2));
        _exit(call());
    }
    show_status("child's copy", reap(pid));
    show("parent's copy", call());
    return 0;
}
