/* What a compiler makes vector instructions of, in two processes at once; and unaligned words. */
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static unsigned a[64], b[64];
static unsigned char bytes[64];

#ifdef __loongarch__
#define VECTORS __attribute__((noinline, target("lsx")))
#else
#define VECTORS __attribute__((noinline))
#endif

VECTORS static unsigned work(unsigned rounds) {
    unsigned sum = 0;
    for (unsigned r = 0; r < rounds; r++)
        for (int i = 0; i < 64; i++)
            a[i] = a[i] * 3 + b[i] + r;
    for (int i = 0; i < 64; i++)
        sum ^= a[i];
    return sum;
}

struct __attribute__((packed)) odd {
    char before;
    unsigned long word;
    double number;
};

int main(void) {
    struct odd *odd = (struct odd *)bytes;
    volatile unsigned long *straight = (unsigned long *)(bytes + 33);
    for (unsigned i = 0; i < 64; i++)
        a[i] = i, b[i] = 7 * i;
    pid_t child = fork();
    if (!child)
        for (unsigned i = 0; i < 64; i++)
            b[i] = i;
    unsigned sum = 0;
    for (int i = 0; i < 60000; i++)
        sum ^= work(3);
    if (!child) {
        printf("child %x\n", sum);
        return 0;
    }
    waitpid(child, NULL, 0);
    printf("parent %x\n", sum);
    odd->word = 0x1122334455667788;
    odd->number = 1.25;
    *straight = odd->word + 1;
    printf("%lx %g %lx %x\n", odd->word, odd->number, *straight, bytes[33]);
    return 0;
}
