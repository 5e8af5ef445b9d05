/* mmap, munmap, mprotect, mremap, msync, madvise, brk, MAP_FIXED, private and shared files */
#include "t.h"

#define PAGE 4096

int main(void)
{
    char *m = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    yes("anonymous", m != MAP_FAILED && m[0] == 0 && m[4 * PAGE - 1] == 0);
    strcpy(m, "first");
    strcpy(m + 3 * PAGE, "fourth");
    char *grown = mremap(m, 4 * PAGE, 64 * PAGE, MREMAP_MAYMOVE);
    yes("mremap keeps", strcmp(grown, "first") == 0 && strcmp(grown + 3 * PAGE, "fourth") == 0 && grown[63 * PAGE] == 0);
    char *shrunk = mremap(grown, 64 * PAGE, 2 * PAGE, 0);
    yes("shrinks in place", shrunk == grown);
    show("msync of unmapped", msync(grown + 8 * PAGE, PAGE, MS_SYNC));
    show("munmap twice is no error", munmap(grown + 2 * PAGE, PAGE));
    show("unaligned munmap", munmap(grown + 1, PAGE));
    ok("zero length", (long)mmap(NULL, 0, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    ok("no type", (long)mmap(NULL, PAGE, PROT_READ, MAP_ANONYMOUS, -1, 0));
    ok("bad descriptor", (long)mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, 77, 0));
    make_file("file", "hello file");
    int fd = open("file", O_RDWR), reader = open("file", O_RDONLY);
    ok("unaligned offset", (long)mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, fd, 100));
    ok("shared write needs write", (long)mmap(NULL, PAGE, PROT_WRITE, MAP_SHARED, reader, 0));
    char *private = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, reader, 0);
    char *shared = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    private[0] = 'J';
    shared[6] = 'F';
    char text[20] = {0};
    pread(fd, text, 10, 0);
    printf("%s | %.10s | %.10s\n", text, private, shared);
    pwrite(fd, "HE", 2, 0);
    printf("%.10s | %.10s\n", private, shared);
    ok("msync", msync(shared, PAGE, MS_SYNC));
    close(fd);
    shared[1] = 'u';
    pread(reader, text, 10, 0);
    printf("%s\n", text);
    pid_t pid = fork();
    if (!pid) {
        shared[2] = 'X';
        private[2] = 'Y';
        _exit(0);
    }
    reap(pid);
    printf("%.10s | %.10s\n", private, shared);
    int *count = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (!(pid = fork())) {
        *count = 55;
        _exit(0);
    }
    reap(pid);
    show("shared anonymous", *count);
    char *fixed = mmap(shared, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    yes("fixed replaces", fixed == shared && fixed[0] == 0);
    ok("no replace", (long)mmap(fixed, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0));
    fixed[0] = 'z';
    ok("madvise", madvise(fixed, PAGE, MADV_DONTNEED));
    show("is zero again", fixed[0]);
    ok("bad advice", madvise(fixed, PAGE, 9999));
    char *hole = mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    munmap(hole, PAGE);
    ok("mprotect unmapped", mprotect(hole, PAGE, PROT_READ));
    ok("mprotect unaligned", mprotect(grown + 1, PAGE, PROT_READ));
    char *big = mmap(NULL, 1l << 30, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    yes("reserve 1 GiB", big != MAP_FAILED);
    ok("munmap", munmap(big, 1l << 30));
    char *page = mmap(NULL, 3 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    munmap(page + PAGE, PAGE);
    ok("write into a hole", write(1, page + PAGE, 1));
    int ends[2];
    pipe(ends);
    show("read into a hole", (write(ends[1], "x", 1), read(ends[0], page + PAGE, 1)));
    return 0;
}
