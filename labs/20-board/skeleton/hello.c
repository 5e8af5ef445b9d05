// Lab 8: the first user program tells what it found on its stack.
#include <stdio.h>
#include <stdlib.h>
#include <sys/auxv.h>

static int zeros[5000];

int main(int argc, char **argv)
{
    // TODO: print every argument on a line "argv[0]=...", "argv[1]=..." and so on;
    // then a line "HOME=..." from the environment (getenv), and a line "page=..." with the
    // page size in decimal (getauxval). Return 1 if one of `zeros` is not 0, else 0.
    return 2;
}
