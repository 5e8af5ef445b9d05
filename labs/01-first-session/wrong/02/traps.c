// Lab 1: every way into the kernel, on request.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/syscall.h>

#define PAGE 4096
#define PAGES 256

// Memory that nobody has touched yet.
static volatile char memory[PAGES * PAGE] __attribute__((aligned(PAGE)));

static int greet(void)
{
    puts("Hello from user mode");
    return 42;
}

static int calls(int count)
{
    for (int i = 0; i < count; i++)
        getppid(), getppid();
    return 0;
}

static int touch(int pages)
{
    for (int i = 0; i < pages && i < PAGES; i++)
        memory[i * PAGE] = 1;
    return 0;
}

static int illegal(void)
{
    asm volatile (".word 0");
    return 0;
}

int main(int argc, char **argv)
{
    const char *what = argc > 1 ? argv[1] : "greet";
    int count = argc > 2 ? atoi(argv[2]) : 1;

    if (!strcmp(what, "greet"))
        return greet();
    if (!strcmp(what, "calls"))
        return calls(count);
    if (!strcmp(what, "touch"))
        return touch(count);
    if (!strcmp(what, "illegal"))
        return illegal();
    fprintf(stderr, "usage: traps greet | calls N | touch N | illegal\n");
    return 2;
}
