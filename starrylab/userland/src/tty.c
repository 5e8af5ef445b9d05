/* tty - the name of the terminal on standard input */
#include "starry.h"

int main_tty(int argc, char **argv)
{
    char name[64];
    if (ttyname_r(0, name, sizeof name) == 0)
        puts(name);
    else
        puts("not a tty");
    return !isatty(0);
}
