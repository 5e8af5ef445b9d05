/* basename - the last part of a path: basename PATH [SUFFIX] */
#include "starry.h"

int main_basename(int argc, char **argv)
{
    if (argc < 2)
        die("usage: basename path [suffix]");
    char *path = argv[1];
    for (size_t n = strlen(path); n > 1 && path[n - 1] == '/'; n--)
        path[n - 1] = 0;
    const char *name = last_part(path);
    size_t length = strlen(name), suffix = argc > 2 ? strlen(argv[2]) : 0;
    if (suffix && suffix < length && strcmp(name + length - suffix, argv[2]) == 0)
        length -= suffix;
    printf("%.*s\n", (int)length, name);
    return 0;
}
