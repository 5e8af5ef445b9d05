/* spin - use the processor and nothing else: spin [SECONDS], for ever without */
#include "starry.h"

int main_spin(int argc, char **argv)
{
    double end = argc > 1 ? seconds_now() + atof(argv[1]) : 0;
    volatile unsigned long turns = 0;
    for (;;) {
        turns++;
        if (argc > 1 && turns % 1000000 == 0 && seconds_now() >= end)
            break;
    }
    printf("%lu turns\n", turns);
    return 0;
}
