/* dirname - a path without its last part */
#include <libgen.h>
#include "starry.h"

int main_dirname(int argc, char **argv)
{
    if (argc != 2)
        die("usage: dirname path");
    puts(dirname(argv[1]));
    return 0;
}
