/* mkdir - make folders: mkdir [-p] [-m MODE] folder... */
#include "starry.h"

static int make_parents(char *path)
{
    for (char *slash = path + 1; (slash = strchr(slash, '/')); slash++) {
        *slash = 0;
        int result = mkdir(path, 0777);
        *slash = '/';
        if (result < 0 && errno != EEXIST)
            return -1;
    }
    return 0;
}

int main_mkdir(int argc, char **argv)
{
    int option, status = 0;
    bool parents = false;
    mode_t mode = 0777;
    while ((option = getopt(argc, argv, "pm:")) != -1) {
        if (option == '?')
            die("usage: mkdir [-p] [-m mode] folder...");
        if (option == 'm')
            mode = strtol(optarg, NULL, 8);
        else
            parents = true;
    }
    for (int i = optind; i < argc; i++) {
        struct stat st;
        if (parents && stat(argv[i], &st) == 0 && S_ISDIR(st.st_mode))
            continue;
        if ((parents && make_parents(argv[i]) < 0) || mkdir(argv[i], mode) < 0) {
            warn_errno(argv[i]);
            status = 1;
        }
    }
    return status;
}
