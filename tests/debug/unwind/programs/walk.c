/* Stacks of every shape: recursion, inlined functions, callbacks through the C library, a handler
   on its own stack, alloca, longjmp, leaf functions, calls through a table. */
#include <alloca.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static volatile unsigned long total;
static jmp_buf back;
static volatile int ticks;

__attribute__((noinline)) unsigned long leaf(unsigned long x)
{
    return x * 2654435761u ^ x >> 7;
}

static inline __attribute__((always_inline)) unsigned long mixed(unsigned long x)
{
    unsigned long y = x ^ x << 13;
    y ^= y >> 7;
    return y + leaf(y);
}

static inline __attribute__((always_inline)) unsigned long twice(unsigned long x)
{
    unsigned long y = mixed(x);
    total += y;
    return mixed(y + 1);
}

__attribute__((noinline)) unsigned long recurse(int depth, unsigned long x)
{
    if (depth == 0)
        return twice(x);
    unsigned long y = recurse(depth - 1, x + depth);
    return y + twice(y ^ depth);
}

__attribute__((noinline)) int compare(const void *a, const void *b)
{
    unsigned x = *(const unsigned *)a, y = *(const unsigned *)b;
    total += x;
    return x < y ? -1 : x > y;
}

__attribute__((noinline)) void sorting(unsigned n)
{
    unsigned table[64];
    for (unsigned i = 0; i < n; i++)
        table[i] = leaf(i + total) & 0xffff;
    qsort(table, n, sizeof table[0], compare);
    total += table[n / 2];
}

__attribute__((noinline)) void on_stack(int size)
{
    char *p = alloca(size);
    memset(p, size, size);
    for (int i = 0; i < size; i += 7)
        total += leaf(p[i] + i);
}

static void handler(int signo)
{
    ticks++;
    total += recurse(3, signo);
    sorting(8);
}

__attribute__((noinline)) void signalled(int n)
{
    for (int i = 0; i < n; i++) {
        raise(SIGUSR1);
        total += leaf(i);
    }
}

__attribute__((noinline)) void deep_jump(int depth)
{
    char text[32];
    snprintf(text, sizeof text, "%d:%lx", depth, total & 0xff);
    total += strlen(text);
    if (depth == 0)
        longjmp(back, 1);
    deep_jump(depth - 1);
    total++;
}

__attribute__((noinline)) void jumping(void)
{
    if (setjmp(back) == 0)
        deep_jump(5);
    else
        total += leaf(total);
}

static unsigned long (*const table[])(unsigned long) = {leaf, leaf};

__attribute__((noinline)) double floating(double x)
{
    double y = x;
    for (int i = 1; i < 20; i++)
        y = y * 0.5 + (double)table[i & 1](i) / i;
    return y;
}

int main(int argc, char **argv)
{
    static char stack[65536];
    stack_t alternate = {.ss_sp = stack, .ss_size = sizeof stack};
    struct sigaction action = {.sa_handler = handler, .sa_flags = argc > 1 ? SA_ONSTACK : 0};
    int rounds = argc > 2 ? atoi(argv[2]) : 1 << 30;
    sigaltstack(&alternate, 0);
    sigaction(SIGUSR1, &action, 0);
    for (int i = 0; i < rounds; i++) {
        total += recurse(i % 9, i);
        sorting(16 + i % 32);
        on_stack(16 + i % 200);
        signalled(2);
        jumping();
        total += (unsigned long)floating(i);
        free(memset(malloc(100 + i % 1000), 1, 100));
    }
    return (int)(total & 1) * 0;
}
