// Lab 8: the first user program tells what it found on its stack.
#include <stdio.h>
#include <stdlib.h>
#include <sys/auxv.h>

static int zeros[5000];

int main(int argc, char **argv)
{
    for (int i = 0; i < argc; i++)
        printf("argv[%d]=%s\n", i, argv[i]);
    printf("HOME=%s\n", getenv("HOME"));
    printf("page=%lu\n", getauxval(AT_PAGESZ));
    for (int i = 0; i < 5000; i++)
        if (zeros[i])
            return 1;
    return 0;
}
