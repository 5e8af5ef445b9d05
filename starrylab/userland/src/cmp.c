/* cmp - compare two files byte by byte: cmp [-s] A B */
#include "starry.h"

int main_cmp(int argc, char **argv)
{
    bool silent = argc > 1 && strcmp(argv[1], "-s") == 0;
    if (argc != 3 + silent)
        die("usage: cmp [-s] file file");
    char **names = argv + 1 + silent;
    FILE *files[2];
    for (int i = 0; i < 2; i++) {
        files[i] = strcmp(names[i], "-") == 0 ? stdin : fopen(names[i], "re");
        if (!files[i]) {
            warn_errno(names[i]);
            return 2;
        }
    }
    for (unsigned long long byte = 1, line = 1;; byte++) {
        int a = getc(files[0]), b = getc(files[1]);
        if (a == EOF && b == EOF)
            return 0;
        if (a != b && !silent) {
            if (a == EOF || b == EOF)
                complain("EOF on %s", names[a == EOF ? 0 : 1]);
            else
                printf("%s %s differ: byte %llu, line %llu\n", names[0], names[1], byte, line);
        }
        if (a != b)
            return 1;
        line += a == '\n';
    }
}
