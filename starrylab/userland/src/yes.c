/* yes - print a line for ever: yes [text...] */
#include "starry.h"

int main_yes(int argc, char **argv)
{
    while (!ferror(stdout)) {
        for (int i = 1; i < argc; i++)
            printf("%s%c", argv[i], i + 1 < argc ? ' ' : '\n');
        if (argc == 1)
            puts("y");
    }
    return 1;
}
