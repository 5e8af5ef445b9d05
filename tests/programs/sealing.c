/* mseal, remap_file_pages, process_madvise: what they permit, and in which order they refuse */
#include "t.h"

#define PAGE 4096

static char *map(int pages, int prot)
{
    return mmap(NULL, pages * PAGE, prot, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

static void remapping(void)
{
    make_file("pages", "");
    int fd = open("pages", O_RDWR);
    for (int i = 0; i < 4; i++)
        pwrite(fd, &(char){"abcd"[i]}, 1, i * PAGE);
    ftruncate(fd, 4 * PAGE);
    volatile char *shared = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    show("the last page first", syscall(SYS_remap_file_pages, shared, PAGE, 0, 3, 0));
    printf("%c%c%c%c\n", shared[0], shared[PAGE], shared[2 * PAGE], shared[3 * PAGE]);
    shared[0] = 'D';
    printf("the same page: %c\n", shared[3 * PAGE]);
    show("across two mappings", syscall(SYS_remap_file_pages, shared, 4 * PAGE, 0, 0, 0));
    printf("%c%c%c%c\n", shared[0], shared[PAGE], shared[2 * PAGE], shared[3 * PAGE]);
    show("protection", syscall(SYS_remap_file_pages, shared, PAGE, PROT_READ, 0, 0));
    show("no size", syscall(SYS_remap_file_pages, shared, 100, 0, 0, 0));
    show("nothing there", syscall(SYS_remap_file_pages, (void *)PAGE, PAGE, 0, 0, 0));
    show("private", syscall(SYS_remap_file_pages, map(1, PROT_READ), PAGE, 0, 0, 0));
    munmap((void *)shared, 4 * PAGE);
    close(fd);
    unlink("pages");
}

static void advising(void)
{
    char *pages = map(2, PROT_READ | PROT_WRITE);
    struct iovec both[2] = {{pages, PAGE}, {pages + PAGE, PAGE}}, bad = {pages + 1, PAGE};
    int self = syscall(SYS_pidfd_open, getpid(), 0);
    memset(pages, 'x', 2 * PAGE);
    show("cold", syscall(SYS_process_madvise, self, both, 2, MADV_COLD, 0));
    show("flags", syscall(SYS_process_madvise, self, both, 2, MADV_COLD, 1));
    show("not aligned", syscall(SYS_process_madvise, self, &bad, 1, MADV_COLD, 0));
    show("no pidfd", syscall(SYS_process_madvise, 0, both, 2, MADV_COLD, 0));
    show("closed", syscall(SYS_process_madvise, 99, both, 2, MADV_COLD, 0));
    show("bad vector", syscall(SYS_process_madvise, self, (void *)8, 2, MADV_COLD, 0));
    pid_t child = fork();
    if (!child)
        for (;;)
            pause();
    int other = syscall(SYS_pidfd_open, child, 0);
    show("another's pages", syscall(SYS_process_madvise, other, both, 2, MADV_DONTNEED, 0));
    kill(child, SIGKILL);
    reap(child);
    show("of the dead", syscall(SYS_process_madvise, other, both, 2, MADV_COLD, 0));
}

#ifndef SYS_mseal
#define SYS_mseal 462
#endif

static void sealing(void)
{
    char *pages = map(4, PROT_READ);
    show("flags", syscall(SYS_mseal, pages, PAGE, 1));
    show("not aligned", syscall(SYS_mseal, pages + 1, PAGE, 0));
    show("nothing", syscall(SYS_mseal, pages, 0, 0));
    show("a hole", syscall(SYS_mseal, (void *)PAGE, PAGE, 0));
    show("seal", syscall(SYS_mseal, pages + PAGE, 2 * PAGE, 0));
    show("again", syscall(SYS_mseal, pages + PAGE, PAGE, 0));
    show("munmap", munmap(pages + PAGE, PAGE));
    show("munmap of all", munmap(pages, 4 * PAGE));
    show("mprotect", mprotect(pages + 2 * PAGE, PAGE, PROT_NONE));
    show("mprotect beside", mprotect(pages, PAGE, PROT_READ | PROT_WRITE));
    ok("mremap", (long)mremap(pages + PAGE, PAGE, 2 * PAGE, MREMAP_MAYMOVE));
    ok("mmap over it", (long)mmap(pages + PAGE, PAGE, PROT_READ,
                                  MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0));
    show("madvise", madvise(pages + PAGE, PAGE, MADV_DONTNEED));
    show("harmless advice", madvise(pages + PAGE, PAGE, MADV_WILLNEED));
    fflush(stdout);
    pid_t child = fork();
    if (!child) {
        show("in a child", munmap(pages + PAGE, PAGE));
        _exit(0);
    }
    reap(child);
    show("munmap beside", munmap(pages, PAGE));
}

int main(void)
{
    remapping();
    advising();
    sealing();
    return 0;
}
