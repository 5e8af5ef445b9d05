/* ln - make links: ln [-s] [-f] TARGET [NAME | FOLDER] */
#include "starry.h"

int main_ln(int argc, char **argv)
{
    int option, status = 0;
    bool soft = false, force = false;
    while ((option = getopt(argc, argv, "sfn")) != -1) {
        if (option == '?')
            die("usage: ln [-sf] target... name");
        soft |= option == 's';
        force |= option == 'f';
    }
    if (optind == argc)
        die("usage: ln [-sf] target... name");
    const char *to = argc - optind == 1 ? "." : argv[--argc];
    struct stat st;
    bool into = stat(to, &st) == 0 && S_ISDIR(st.st_mode);
    for (int i = optind; i < argc; i++) {
        char *name = into ? join_path(to, last_part(argv[i])) : strdup(to);
        if (force)
            unlink(name);
        if ((soft ? symlink(argv[i], name) : link(argv[i], name)) < 0) {
            warn_errno(name);
            status = 1;
        }
        free(name);
    }
    return status;
}
