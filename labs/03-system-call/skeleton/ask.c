// Lab 3: print the first argument backwards, by means of your system call.
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <sys/syscall.h>

#define SYS_reverse 501

int main(int argc, char **argv)
{
    if (argc < 2) {
        fprintf(stderr, "usage: ask WORD\n");
        return 2;
    }
    // TODO: let the kernel reverse argv[1], and print it with a newline.
    // If the call fails, say why (perror) and return 1.
    return 3;
}
