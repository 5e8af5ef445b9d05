/* stat - everything that stat(2) tells about files: stat [-L] file... */
#include <sys/sysmacros.h>
#include "starry.h"

static const char *kind(const struct stat *st)
{
    switch (st->st_mode & S_IFMT) {
    case S_IFREG: return st->st_size ? "regular file" : "regular empty file";
    case S_IFDIR: return "directory";
    case S_IFLNK: return "symbolic link";
    case S_IFCHR: return "character device";
    case S_IFBLK: return "block device";
    case S_IFIFO: return "fifo";
    default: return "socket";
    }
}

static void print_time(const char *what, struct timespec when)
{
    char text[64];
    strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S", localtime(&when.tv_sec));
    printf("%6s: %s.%09ld\n", what, text, when.tv_nsec);
}

int main_stat(int argc, char **argv)
{
    bool follow = argc > 1 && strcmp(argv[1], "-L") == 0;
    int status = 0;
    for (int i = 1 + follow; i < argc; i++) {
        struct stat st;
        char mode[11];
        if ((follow ? stat : lstat)(argv[i], &st) < 0) {
            warn_errno(argv[i]);
            status = 1;
            continue;
        }
        mode_text(st.st_mode, mode);
        printf("  File: %s\n  Size: %-10lld Blocks: %-8lld IO Block: %ld %s\n", argv[i],
               (long long)st.st_size, (long long)st.st_blocks, (long)st.st_blksize, kind(&st));
        printf("Device: %u,%u  Inode: %-10llu Links: %lu\n", major(st.st_dev), minor(st.st_dev),
               (unsigned long long)st.st_ino, (unsigned long)st.st_nlink);
        printf("Access: (%04o/%s)  Uid: (%u/%s)", st.st_mode & 07777, mode, st.st_uid,
               user_name(st.st_uid));
        printf("  Gid: (%u/%s)\n", st.st_gid, group_name(st.st_gid));
        print_time("Access", st.st_atim);
        print_time("Modify", st.st_mtim);
        print_time("Change", st.st_ctim);
    }
    return status;
}
