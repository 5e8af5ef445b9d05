/* cowdemo - copy-on-write: a forked child shares its parent's pages until it writes to them */
#include "starry.h"

#define PAGES 1024 /* 4 MiB */

static unsigned long long free_kib(const char *when, unsigned long long before)
{
    unsigned long long now = meminfo("MemFree") / 1024;
    printf("%-34s %8llu KiB free", when, now);
    if (before)
        printf("  (%+lld)", (long long)now - (long long)before);
    printf("\n");
    fflush(stdout);
    return now;
}

static void fill(char *pages, char value)
{
    for (int i = 0; i < PAGES; i++)
        pages[i * 4096] = value;
}

int main_cowdemo(int argc, char **argv)
{
    unsigned long long at = free_kib("at the start", 0);
    char *pages = mmap(NULL, PAGES * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (pages == MAP_FAILED)
        die_errno("mmap");
    at = free_kib("4 MiB mapped, not touched", at);
    fill(pages, 'p');
    at = free_kib("4 MiB written", at);
    pid_t pid = fork();
    if (pid < 0)
        die_errno("fork");
    if (pid == 0) {
        at = free_kib("child: forked, nothing written", at);
        fill(pages, 'c');
        free_kib("child: every page written", at);
        exit(0);
    }
    wait(NULL);
    free_kib("child ended", at);
    for (int i = 0; i < PAGES; i++)
        if (pages[i * 4096] != 'p')
            die("page %d of the parent was changed by the child", i);
    puts("the parent's pages are as they were");
    return 0;
}
