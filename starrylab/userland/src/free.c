/* free - memory of the system: free [-h], from /proc/meminfo */
#include "starry.h"

static bool readable;

static void column(unsigned long long bytes)
{
    char text[16];
    if (readable)
        printf(" %11s", human(bytes, text));
    else
        printf(" %11llu", bytes / 1024);
}

int main_free(int argc, char **argv)
{
    readable = argc > 1 && strcmp(argv[1], "-h") == 0;
    unsigned long long total = meminfo("MemTotal"), unused = meminfo("MemFree");
    unsigned long long cache = meminfo("Cached") + meminfo("Buffers"), shared = meminfo("Shmem");
    printf("%6s %11s %11s %11s %11s %11s %11s\n", "", "total", "used", "free", "shared", "buff/cache",
           "available");
    printf("%6s", "Mem:");
    column(total);
    column(total - unused - cache);
    column(unused);
    column(shared);
    column(cache);
    column(meminfo("MemAvailable"));
    putchar('\n');
    return 0;
}
