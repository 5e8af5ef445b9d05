/* df - space of mounted file systems: df [-h] [path...]; reads /proc/mounts */
#include <mntent.h>
#include <sys/statfs.h>
#include "starry.h"

static bool readable;

static void show_size(unsigned long long bytes)
{
    char text[16];
    if (readable)
        printf(" %9s", human(bytes, text));
    else
        printf(" %9llu", bytes / 1024);
}

static int show(const char *device, const char *path)
{
    struct statfs fs;
    if (statfs(path, &fs) < 0) {
        warn_errno(path);
        return 1;
    }
    if (!fs.f_blocks && device) /* /proc and its like keep nothing */
        return 0;
    unsigned long long unit = fs.f_bsize, used = fs.f_blocks - fs.f_bfree;
    printf("%-14s", device ? device : "-");
    show_size(fs.f_blocks * unit);
    show_size(used * unit);
    show_size(fs.f_bavail * unit);
    printf(" %3llu%% %s\n", fs.f_blocks ? used * 100 / fs.f_blocks : 0, path);
    return 0;
}

int main_df(int argc, char **argv)
{
    int option, status = 0;
    while ((option = getopt(argc, argv, "hk")) != -1)
        readable |= option == 'h';
    printf("%-14s %9s %9s %9s Use%% Mounted on\n", "Filesystem", readable ? "Size" : "1K-blocks",
           "Used", "Available");
    for (int i = optind; i < argc; i++)
        status |= show(NULL, argv[i]);
    if (optind < argc)
        return status;
    FILE *mounts = setmntent("/proc/mounts", "r");
    if (!mounts)
        die_errno("/proc/mounts");
    for (struct mntent *mount; (mount = getmntent(mounts));)
        status |= show(mount->mnt_fsname, mount->mnt_dir);
    endmntent(mounts);
    return status;
}
