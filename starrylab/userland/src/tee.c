/* tee - copy standard input to standard output and to files: tee [-a] file... */
#include "starry.h"

int main_tee(int argc, char **argv)
{
    bool append = argc > 1 && strcmp(argv[1], "-a") == 0;
    int first = 1 + append, status = 0, count = argc - first;
    int *files = need((count + 1) * sizeof *files);
    for (int i = 0; i < count; i++) {
        files[i] = open(argv[first + i], O_WRONLY | O_CREAT | (append ? O_APPEND : O_TRUNC), 0666);
        if (files[i] < 0) {
            warn_errno(argv[first + i]);
            status = 1;
        }
    }
    static char buffer[65536];
    for (ssize_t n; (n = read(0, buffer, sizeof buffer)) > 0;) {
        write_all(1, buffer, n);
        for (int i = 0; i < count; i++)
            if (files[i] >= 0)
                write_all(files[i], buffer, n);
    }
    return status;
}
