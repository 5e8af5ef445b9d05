/* rm - remove: rm [-r] [-f] file... */
#include "starry.h"

static bool deep, force;

static int remove_tree(const char *path)
{
    struct stat st;
    if (lstat(path, &st) < 0) {
        if (force && errno == ENOENT)
            return 0;
        warn_errno(path);
        return 1;
    }
    if (!S_ISDIR(st.st_mode)) {
        if (unlink(path) == 0)
            return 0;
        warn_errno(path);
        return 1;
    }
    if (!deep) {
        complain("%s is a folder (use -r)", path);
        return 1;
    }
    DIR *folder = opendir(path);
    if (!folder) {
        warn_errno(path);
        return 1;
    }
    int status = 0;
    for (struct dirent *entry; (entry = readdir(folder));) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        char *below = join_path(path, entry->d_name);
        status |= remove_tree(below);
        free(below);
    }
    closedir(folder);
    if (rmdir(path) < 0) {
        warn_errno(path);
        status = 1;
    }
    return status;
}

int main_rm(int argc, char **argv)
{
    int option, status = 0;
    while ((option = getopt(argc, argv, "rRf")) != -1) {
        if (option == '?')
            die("usage: rm [-rf] file...");
        deep |= option != 'f';
        force |= option == 'f';
    }
    for (int i = optind; i < argc; i++) {
        const char *name = last_part(argv[i]);
        if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0 || strcmp(argv[i], "/") == 0) {
            complain("%s: will not remove it", argv[i]);
            status = 1;
        } else {
            status |= remove_tree(argv[i]);
        }
    }
    return status;
}
