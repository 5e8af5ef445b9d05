/* cat - copy files to standard output: cat [-u] [file...] */
#include "starry.h"

int main_cat(int argc, char **argv)
{
    int status = 0, first = argc > 1 && strcmp(argv[1], "-u") == 0 ? 2 : 1;
    if (first == argc && copy_fd(0, 1) < 0)
        die_errno("-");
    for (int i = first; i < argc; i++) {
        int fd = strcmp(argv[i], "-") == 0 ? 0 : open(argv[i], O_RDONLY);
        if (fd < 0 || copy_fd(fd, 1) < 0) {
            warn_errno(argv[i]);
            status = 1;
        }
        if (fd > 0)
            close(fd);
    }
    return status;
}
