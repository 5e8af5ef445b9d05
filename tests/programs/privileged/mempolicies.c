/* set_mempolicy, mbind, set_mempolicy_home_node, migrate_pages, move_pages on a machine with one node */
#include "../t.h"

#define PAGE 4096UL
#define HOME_NODE 450
enum { DEFAULT, PREFERRED, BIND, INTERLEAVE, LOCAL, MANY };
#define STATIC (1 << 15)
#define RELATIVE (1 << 14)
#define BALANCING (1 << 13)

static unsigned long zero = 1, one = 2, both = 3, none, far[16] = {0, 0, 1};

static long task(int mode, void *nodes, unsigned long bits)
{
    return syscall(SYS_set_mempolicy, mode, nodes, bits);
}

static long area(void *start, unsigned long size, int mode, void *nodes, unsigned flags)
{
    return syscall(SYS_mbind, start, size, mode, nodes, 64, flags);
}

static void now(void *addr)
{
    unsigned long nodes = 99;
    int mode = 99;
    if (syscall(SYS_get_mempolicy, &mode, &nodes, 64, addr, addr ? 2 : 0) < 0)
        show("get", -1);
    else
        printf("mode %x nodes %lu\n", mode, nodes);
}

static void try_task(const char *what, int mode, void *nodes)
{
    ok(what, task(mode, nodes, 64));
    now(NULL);
}

static void tasks(void)
{
    int node = 5;
    try_task("bind", BIND, &zero);
    try_task("bind to two", BIND, &both);
    try_task("static", BIND | STATIC, &both);
    try_task("relative", INTERLEAVE | RELATIVE, &one);
    ok("next node", syscall(SYS_get_mempolicy, &node, NULL, 0, NULL, 1));
    printf("%d\n", node);
    pid_t child = fork();
    if (!child) {
        now(NULL);
        _exit(0);
    }
    reap(child);
    try_task("absent node", BIND, &one);
    try_task("no node", BIND, &none);
    try_task("prefer none", PREFERRED, &none);
    try_task("prefer none, static", PREFERRED | STATIC, &none);
    try_task("prefer", PREFERRED, &zero);
    try_task("many", MANY, &zero);
    try_task("local", LOCAL, NULL);
    try_task("local with nodes", LOCAL, &zero);
    try_task("default with nodes", DEFAULT, &zero);
    try_task("both flags", BIND | STATIC | RELATIVE, &zero);
    try_task("balancing", BIND | BALANCING, &zero);
    try_task("balancing, interleaved", INTERLEAVE | BALANCING, &zero);
    try_task("unknown", 77, &zero);
    try_task("bad address", BIND, (void *)16);
    ok("too many bits", task(BIND, &zero, 1 << 20));
    ok("node 128", task(BIND, far, 1024));
    ok("one bit", task(BIND, &both, 2));
    now(NULL);
    try_task("default", DEFAULT, NULL);
    ok("next node", syscall(SYS_get_mempolicy, &node, NULL, 0, NULL, 1));
}

static void areas(char *memory)
{
    ok("bind", area(memory + PAGE, 2 * PAGE, BIND, &zero, 0));
    now(memory), now(memory + PAGE), now(memory + 3 * PAGE);
    ok("interleave one", area(memory + 2 * PAGE, 10, INTERLEAVE, &zero, 3));
    now(memory + PAGE), now(memory + 2 * PAGE);
    ok("odd", area(memory + 1, PAGE, BIND, &zero, 0));
    ok("flags", area(memory, PAGE, BIND, &zero, 64));
    ok("nothing", area(memory, 0, BIND, &none, 0));
    ok("no nodes", area(memory, PAGE, BIND, &none, 0));
    munmap(memory + 5 * PAGE, PAGE);
    ok("a hole", area(memory + 4 * PAGE, 3 * PAGE, BIND, &zero, 0));
    ok("all a hole", area(memory + 5 * PAGE, PAGE, BIND, &zero, 0));
    ok("home", syscall(HOME_NODE, memory + PAGE, PAGE, 0, 0));
    ok("home of interleaved", syscall(HOME_NODE, memory + 2 * PAGE, PAGE, 0, 0));
    ok("home of none", syscall(HOME_NODE, memory + 3 * PAGE, PAGE, 0, 0));
    ok("home flags", syscall(HOME_NODE, memory + PAGE, PAGE, 0, 1));
    ok("home far", syscall(HOME_NODE, memory + PAGE, PAGE, 9, 0));
    pid_t child = fork();
    if (!child) {
        now(memory + PAGE);
        _exit(0);
    }
    reap(child);
    char *moved = mremap(memory + PAGE, PAGE, 2 * PAGE, MREMAP_MAYMOVE);
    now(moved), now(moved + PAGE);
    mmap(memory + 2 * PAGE, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    now(memory + 2 * PAGE);
    ok("default", area(moved, PAGE, DEFAULT, NULL, 0));
    now(moved), now(moved + PAGE);
    munmap(moved, 2 * PAGE);
}

static void moving(void)
{
    char *memory = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    void *pages[4] = {memory, memory + PAGE, memory + 2 * PAGE, (void *)16};
    int nodes[4] = {0, 0, 0, 0}, status[4] = {9, 9, 9, 9};
    memory[0] = 1;
    (void)*(volatile char *)(memory + PAGE);
    ok("where", syscall(SYS_move_pages, 0, 4, pages, NULL, status, 0));
    printf("%d %d %d %d\n", status[0], status[1], status[2], status[3]);
    ok("move", syscall(SYS_move_pages, 0, 4, pages, nodes, status, 2));
    printf("%d %d %d %d\n", status[0], status[1], status[2], status[3]);
    nodes[1] = 3;
    ok("to no node", syscall(SYS_move_pages, 0, 4, pages, nodes, status, 2));
    nodes[1] = -1;
    ok("to none", syscall(SYS_move_pages, 0, 4, pages, nodes, status, 2));
    ok("flags", syscall(SYS_move_pages, 0, 4, pages, nodes, status, 1));
    ok("nobody", syscall(SYS_move_pages, 1 << 22, 4, pages, nodes, status, 2));
    ok("bad pages", syscall(SYS_move_pages, 0, 4, 16, NULL, status, 2));
    ok("bad status", syscall(SYS_move_pages, 0, 4, pages, NULL, 16, 2));
    show("migrate", syscall(SYS_migrate_pages, 0, 64, &zero, &zero));
    show("migrate away", syscall(SYS_migrate_pages, 0, 64, &zero, &one));
    show("migrate far", syscall(SYS_migrate_pages, 0, 1024, &zero, far));
    show("migrate nobody", syscall(SYS_migrate_pages, 1 << 22, 64, &zero, &zero));
    show("migrate bad", syscall(SYS_migrate_pages, 0, 64, 16, &zero));
}

int main(void)
{
    tasks();
    areas(mmap(NULL, 8 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    moving();
    return 0;
}
