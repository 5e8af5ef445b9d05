/* Releases what it must not; the allocator ends it at the second wrong one, if not at the first. */
#include <stdlib.h>

__attribute__((noinline)) static void twice(void)
{
    char *volatile block = malloc(40);
    free(block);
    free(block);
}

int main(int argc, char **argv)
{
    (void)argv;
    if (argc > 1) {
        char *volatile block = malloc(100);
        free(block + 16);
    }
    twice();
    return 0;
}
