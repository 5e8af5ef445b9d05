/* sync - have everything written to where it is kept */
#include "starry.h"

int main_sync(int argc, char **argv)
{
    sync();
    return 0;
}
