/* readlink - the target of a symbolic link; readlink -f PATH: the real path */
#include "starry.h"

int main_readlink(int argc, char **argv)
{
    bool real = argc > 1 && strcmp(argv[1], "-f") == 0;
    if (argc != 2 + real)
        die("usage: readlink [-f] path");
    char text[4097];
    if (real)
        return realpath(argv[2], text) ? puts(text) < 0 : 1;
    ssize_t n = readlink(argv[1], text, sizeof text - 1);
    if (n < 0)
        return 1;
    printf("%.*s\n", (int)n, text);
    return 0;
}
