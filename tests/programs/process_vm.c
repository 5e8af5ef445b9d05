/* process_vm_readv and process_vm_writev: pieces, missing pages, errors; kcmp of what is shared */
#include "t.h"

int main(void)
{
    char *pages = mmap(NULL, 3 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    char mine[8192] = {0};
    int ready[2], done[2];
    pipe(ready);
    pipe(done);
    strcpy(pages, "parent");
    munmap(pages + 4096, 4096);
    pid_t child = fork();
    if (!child) {
        char c;
        strcpy(pages, "child");
        memset(pages + 8192, 'z', 4096);
        write(ready[1], "r", 1);
        read(done[0], &c, 1);
        printf("the child has %s\n", pages);
        fflush(stdout);
        _exit(0);
    }
    read(ready[0], mine, 1);
    struct iovec local[2] = {{mine, 3}, {mine + 100, 4000}}, remote[2] = {{pages, 6}, {pages + 8192, 4}};
    show("read", syscall(SYS_process_vm_readv, child, local, 2, remote, 2, 0));
    printf("%.3s %.3s %.4s\n", mine, mine + 100, mine + 103);
    struct iovec whole = {mine, 8192}, across = {pages, 8192}, missing = {pages + 4096, 10};
    show("up to what is missing", syscall(SYS_process_vm_readv, child, &whole, 1, &across, 1, 0));
    show("missing", syscall(SYS_process_vm_readv, child, &whole, 1, &missing, 1, 0));
    struct iovec bad = {(void *)16, 4};
    show("bad local", syscall(SYS_process_vm_readv, child, &bad, 1, remote, 1, 0));
    show("bad vector", syscall(SYS_process_vm_readv, child, (void *)16, 1, remote, 1, 0));
    show("bad remote vector", syscall(SYS_process_vm_readv, child, local, 1, (void *)16, 1, 0));
    show("flags", syscall(SYS_process_vm_readv, child, local, 1, remote, 1, 1));
    show("count", syscall(SYS_process_vm_readv, child, local, 1025, remote, 1, 0));
    show("nobody", syscall(SYS_process_vm_readv, 99999999, local, 1, remote, 1, 0));
    show("nothing", syscall(SYS_process_vm_readv, 99999999, local, 0, remote, 1, 0));
    strcpy(mine, "written");
    struct iovec text = {mine, 8};
    show("write", syscall(SYS_process_vm_writev, child, &text, 1, &across, 1, 0));
    show("write to nothing", syscall(SYS_process_vm_writev, child, &text, 1, &missing, 1, 0));
    show("same file", syscall(SYS_kcmp, getpid(), child, 0, 1, 1));
    yes("other file", syscall(SYS_kcmp, getpid(), child, 0, 1, ready[0]) > 0);
    show("no file", syscall(SYS_kcmp, getpid(), child, 0, 1, 99));
    yes("own memory", syscall(SYS_kcmp, getpid(), child, 1, 0, 0) > 0);
    show("itself", syscall(SYS_kcmp, getpid(), getpid(), 1, 0, 0));
    show("kind", syscall(SYS_kcmp, getpid(), child, 99, 0, 0));
    show("gone", syscall(SYS_kcmp, getpid(), 99999999, 1, 0, 0));
    write(done[1], "d", 1);
    show_status("child", reap(child));
    return 0;
}
