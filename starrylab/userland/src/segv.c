/* segv - faults of all kinds: segv [null|write|exec|stack|div|abort|ill|bus|kernel] */
#include "starry.h"

static volatile int sink;

static __attribute__((noinline)) int recurse(volatile char *above)
{
    volatile char page[4096];
    page[0] = above ? above[0] : 0;
    return recurse(page) + page[0];
}

static void fault(const char *kind)
{
    if (strcmp(kind, "write") == 0) {
        *(volatile char *)kind = 'x'; /* the arguments are writable: make the page read-only first */
        uintptr_t page = (uintptr_t)&fault & ~4095ul;
        *(volatile char *)page = 0;
    } else if (strcmp(kind, "exec") == 0) {
        static char data[64] __attribute__((aligned(16)));
        void (*code)(void);
        void *address = data;
        memcpy(&code, &address, sizeof code);
        code();
    } else if (strcmp(kind, "stack") == 0) {
        sink = recurse(NULL);
    } else if (strcmp(kind, "abort") == 0) {
        abort();
    } else if (strcmp(kind, "ill") == 0) {
        __builtin_trap();
    } else if (strcmp(kind, "bus") == 0) {
        FILE *empty = tmpfile();
        char *page = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fileno(empty), 0);
        sink = page[0]; /* behind the end of the file */
    } else if (strcmp(kind, "div") == 0) {
        sink = 1 / sink; /* RISC-V and AArch64 define the result and do not trap */
        raise(SIGFPE);
    } else if (strcmp(kind, "kernel") == 0) {
        sink = *(volatile char *)~0xffful;
    } else {
        sink = *(volatile int *)NULL;
    }
}

int main_segv(int argc, char **argv)
{
    fault(argc > 1 ? argv[1] : "null");
    puts("no fault came");
    return 0;
}
