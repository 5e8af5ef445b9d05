/* Inlined functions, and arguments that only the caller can tell. */
#include <stdio.h>
#include <stdlib.h>
__attribute__((noinline)) void stop(void)
{
    register long number __asm__("a7") = 173; /* getppid */
    register long result __asm__("a0");
    __asm__ volatile("ecall" : "=r"(result) : "r"(number) : "memory");
}
struct pair { long first, second; };
static volatile int sink;
static inline __attribute__((always_inline)) int inner(int depth, int factor)
{
    int product = depth * factor;
    struct pair pair = {product, depth};
    sink = product;
    stop();
    sink += pair.second;
    return product + 1;
}
static inline __attribute__((always_inline)) int outer(int level)
{
    int twice = level * 2;
    int result = inner(twice, 7);
    return result + twice;
}
__attribute__((noinline)) int lost(int first, int second, const char *name)
{
    int early = first + second;
    sink = early;
    int got = outer(second); sink = got;
    stop();
    printf("%s\n", name);
    return got;
}
__attribute__((noinline)) int caller(int argc)
{
    return lost(11, 3, "name") + lost(22, argc + 5, "other");
}
int main(int argc, char **argv)
{
    int kept = caller(argc);
    return kept & 1;
}
