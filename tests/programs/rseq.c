/* rseq: registration, what is written, and that an interrupted sequence is left */
#include "t.h"

struct section { uint32_t version, flags; uint64_t start, length, instead; } __attribute__((aligned(32)));
struct area { uint32_t cpu_start, cpu; uint64_t section; uint32_t flags, node, mm_cid, end; } __attribute__((aligned(32)));

#define SIGNATURE 0xf1401073

static struct area area;
static volatile int left;

static long registers(void *at, unsigned size, int flags, unsigned signature)
{
    return syscall(SYS_rseq, at, size, flags, signature);
}

#ifdef __riscv
/* Loops until the thread is interrupted: nothing else ends it. */
static void loop(void)
{
    asm volatile(
        "lla t0, 7f\n"
        "sd t0, 0(%0)\n"
        "1: j 1b\n"
        "2: nop\n"
        ".word 0xf1401073\n"
        "3: sw %2, 0(%1)\n"
        "j 8f\n"
        ".balign 32\n"
        "7: .word 0, 0\n"
        ".dword 1b, 2b - 1b, 3b\n"
        "8:\n"
        : : "r"(&area.section), "r"(&left), "r"(1) : "t0", "memory");
}
#else
static void loop(void)
{
    asm volatile(
        "lea 7f(%%rip), %%rax\n"
        "mov %%rax, (%0)\n"
        "1: jmp 1b\n"
        "2: nop\n"
        ".long 0xf1401073\n"
        "3: movl $1, (%1)\n"
        "jmp 8f\n"
        ".balign 32\n"
        "7: .long 0, 0\n"
        ".quad 1b, 2b - 1b, 3b\n"
        "8:\n"
        : : "r"(&area.section), "r"(&left) : "rax", "memory");
}
#endif

static void on_signal(int number) { (void)number; }

int main(void)
{
    alarm(20);
    area.cpu = 77;
    show("unregister", registers(&area, 32, 1, SIGNATURE));
    show("flags", registers(&area, 32, 2, SIGNATURE));
    show("short", registers(&area, 16, 0, SIGNATURE));
    show("not aligned", registers((char *)&area + 8, 32, 0, SIGNATURE));
    show("beyond", registers((void *)~31ul, 32, 0, SIGNATURE));
    show("register", registers(&area, 32, 0, SIGNATURE));
    show("again", registers(&area, 32, 0, SIGNATURE));
    show("other signature", registers(&area, 32, 0, 1));
    show("other place", registers(&area + 1, 32, 0, SIGNATURE));
    yes("processor", area.cpu == area.cpu_start && area.cpu < 4096);
    signal(SIGUSR1, on_signal);
    pid_t child = fork();
    if (!child) {
        pid_t parent = getppid();
        for (int i = 0; i < 10; i++) {
            pause_ms(10);
            kill(parent, SIGUSR1);
        }
        _exit(0);
    }
    loop();
    printf("left %d, section %d\n", left, area.section != 0);
    fflush(stdout);
    show_status("child", reap(child));
    child = fork();
    if (!child) {
        show("inherited", registers(&area, 32, 0, SIGNATURE));
        loop();
        _exit(0);
    }
    pause_ms(10);
    kill(child, SIGUSR1);
    show_status("child", reap(child));
    show("wrong signature", registers(&area, 32, 1, 1));
    show("wrong size", registers(&area, 64, 1, SIGNATURE));
    show("unregister", registers(&area, 32, 1, SIGNATURE));
    yes("no processor", area.cpu == -1u && !area.cpu_start);
    return 0;
}
