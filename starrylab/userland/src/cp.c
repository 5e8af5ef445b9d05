/* cp - copy files: cp [-r] [-p] FROM... TO; links stay links with -r */
#include "starry.h"

static bool deep, preserve;

static int copy(const char *from, const char *to);

static int copy_folder(const char *from, const char *to, mode_t mode)
{
    if (mkdir(to, 0700) < 0 && errno != EEXIST) {
        warn_errno(to);
        return 1;
    }
    DIR *folder = opendir(from);
    if (!folder) {
        warn_errno(from);
        return 1;
    }
    int status = 0;
    for (struct dirent *entry; (entry = readdir(folder));) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        char *a = join_path(from, entry->d_name), *b = join_path(to, entry->d_name);
        status |= copy(a, b);
        free(a);
        free(b);
    }
    closedir(folder);
    chmod(to, mode & 07777); /* last: it may forbid us to write */
    return status;
}

static int copy_file(const char *from, const char *to, mode_t mode)
{
    int in = open(from, O_RDONLY), out = -1, status = 1;
    if (in < 0) {
        warn_errno(from);
        return 1;
    }
    struct stat a, b;
    if (fstat(in, &a) == 0 && stat(to, &b) == 0 && a.st_dev == b.st_dev && a.st_ino == b.st_ino)
        complain("%s and %s are the same file", from, to);
    else if ((out = open(to, O_WRONLY | O_CREAT | O_TRUNC, mode & 0777)) < 0)
        warn_errno(to);
    else if (copy_fd(in, out) < 0)
        warn_errno(from);
    else
        status = 0;
    close(in);
    if (out >= 0 && close(out) < 0) {
        warn_errno(to);
        status = 1;
    }
    return status;
}

static int copy_link(const char *from, const char *to)
{
    char target[4096];
    ssize_t n = readlink(from, target, sizeof target - 1);
    if (n < 0) {
        warn_errno(from);
        return 1;
    }
    target[n] = 0;
    unlink(to);
    if (symlink(target, to) == 0)
        return 0;
    warn_errno(to);
    return 1;
}

static int copy(const char *from, const char *to)
{
    struct stat st;
    if ((deep ? lstat : stat)(from, &st) < 0) {
        warn_errno(from);
        return 1;
    }
    int status;
    if (S_ISLNK(st.st_mode))
        return copy_link(from, to);
    if (S_ISDIR(st.st_mode) && !deep) {
        complain("%s is a folder (use -r)", from);
        return 1;
    }
    status = S_ISDIR(st.st_mode) ? copy_folder(from, to, st.st_mode) : copy_file(from, to, st.st_mode);
    if (preserve && !status) {
        struct timespec times[2] = {st.st_atim, st.st_mtim};
        if (chown(to, st.st_uid, st.st_gid) < 0 || chmod(to, st.st_mode & 07777) < 0 ||
            utimensat(AT_FDCWD, to, times, 0) < 0) {
            warn_errno(to);
            status = 1;
        }
    }
    return status;
}

int main_cp(int argc, char **argv)
{
    int option, status = 0;
    while ((option = getopt(argc, argv, "rRap")) != -1) {
        if (option == '?')
            die("usage: cp [-rp] from... to");
        deep |= option != 'p';
        preserve |= option == 'p' || option == 'a';
    }
    if (argc - optind < 2)
        die("usage: cp [-rp] from... to");
    struct stat st;
    char *to = argv[argc - 1];
    bool into = stat(to, &st) == 0 && S_ISDIR(st.st_mode);
    if (argc - optind > 2 && !into)
        die("%s is not a folder", to);
    for (int i = optind; i < argc - 1; i++) {
        char *target = into ? join_path(to, last_part(argv[i])) : strdup(to);
        status |= copy(argv[i], target);
        free(target);
    }
    return status;
}
