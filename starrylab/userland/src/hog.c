/* hog - eat memory until there is no more: hog [MIB]; writes to every page, so that all of it counts */
#include "starry.h"

int main_hog(int argc, char **argv)
{
    long limit = argc > 1 ? atol(argv[1]) : 1 << 20, eaten = 0;
    for (; eaten < limit; eaten++) {
        char *block = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (block == MAP_FAILED) {
            printf("\rmmap refused after %ld MiB: %s\n", eaten, strerror(errno));
            return 0;
        }
        for (long i = 0; i < 1 << 20; i += 4096)
            block[i] = 1;
        if (eaten % 16 == 0) {
            printf("\r%ld MiB ", eaten);
            fflush(stdout);
        }
    }
    printf("\r%ld MiB eaten\n", eaten);
    return 0;
}
