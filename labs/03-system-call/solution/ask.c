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
    if (syscall(SYS_reverse, argv[1], strlen(argv[1])) < 0) {
        perror("reverse");
        return 1;
    }
    puts(argv[1]);
    return 0;
}
