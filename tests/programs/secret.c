/* memfd_secret: memory that a process has to itself */
#include "t.h"

#include <sys/ptrace.h>

#ifndef SYS_memfd_secret
#define SYS_memfd_secret 447
#endif

int main(void)
{
    char text[8] = "";
    show("flags", syscall(SYS_memfd_secret, 1));
    int fd = syscall(SYS_memfd_secret, O_CLOEXEC);
    yes("made", fd >= 0);
    show("closed by execve", fcntl(fd, F_GETFD));
    show("size", ftruncate(fd, 8192));
    show("size again", ftruncate(fd, 4096));
    show("read", read(fd, text, 1));
    show("write", write(fd, "x", 1));
    ok("private", (long)mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, fd, 0));
    char *secret = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    yes("shared", secret != MAP_FAILED);
    strcpy(secret, "secret");
    printf("%s\n", secret);
    int ends[2];
    pipe(ends);
    struct iovec local = {text, 4}, remote = {secret, 4};
    fflush(stdout);
    pid_t child = fork();
    if (!child) {
        char byte;
        read(ends[0], &byte, 1);
        printf("a child has %s\n", secret);
        fflush(stdout);
        _exit(0);
    }
    show("by process_vm_readv", syscall(SYS_process_vm_readv, child, &local, 1, &remote, 1, 0));
    show("by process_vm_writev", syscall(SYS_process_vm_writev, child, &local, 1, &remote, 1, 0));
    show("attach", ptrace(PTRACE_ATTACH, child, 0, 0));
    waitpid(child, &(int){0}, __WALL);
    show("by ptrace", ptrace(PTRACE_PEEKDATA, child, secret, 0));
    show("by ptrace", ptrace(PTRACE_POKEDATA, child, secret, 1));
    char name[32];
    snprintf(name, sizeof name, "/proc/%d/mem", child);
    int memory = open(name, O_RDWR);
    show("by /proc", pread(memory, text, 4, (off_t)secret));
    show("by /proc", pwrite(memory, text, 4, (off_t)secret));
    ptrace(PTRACE_DETACH, child, 0, 0);
    write(ends[1], "g", 1);
    show_status("child", reap(child));
    struct rlimit none = {0, 0};
    setrlimit(RLIMIT_MEMLOCK, &none);
    show("unmapped", munmap(secret, 8192));
    return 0;
}
