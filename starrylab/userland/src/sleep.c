/* sleep - wait: sleep SECONDS, with a fraction if wanted */
#include "starry.h"

int main_sleep(int argc, char **argv)
{
    char *end;
    double seconds = argc == 2 ? strtod(argv[1], &end) : -1;
    if (seconds < 0 || end == argv[1] || *end)
        die("usage: sleep seconds");
    struct timespec left = {.tv_sec = (time_t)seconds};
    left.tv_nsec = (long)((seconds - left.tv_sec) * 1e9);
    while (nanosleep(&left, &left) < 0 && errno == EINTR)
        ;
    return 0;
}
