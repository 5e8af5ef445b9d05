/* seq - count: seq [FIRST [STEP]] LAST */
#include "starry.h"

int main_seq(int argc, char **argv)
{
    if (argc < 2 || argc > 4)
        die("usage: seq [first [step]] last");
    long long first = argc > 2 ? atoll(argv[1]) : 1, step = argc > 3 ? atoll(argv[2]) : 1;
    long long last = atoll(argv[argc - 1]);
    if (step == 0)
        die("the step must not be 0");
    for (long long i = first; step > 0 ? i <= last : i >= last; i += step)
        printf("%lld\n", i);
    return 0;
}
