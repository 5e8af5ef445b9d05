/* clear - clear the terminal and its scroll-back */
#include "starry.h"

int main_clear(int argc, char **argv)
{
    fputs("\033[H\033[2J\033[3J", stdout);
    return 0;
}
