/* stat, statx, chmod, chown, umask, access, utimensat, statfs */
#include "t.h"

#include <sys/sysmacros.h>

int main(void)
{
    struct stat st;
    umask(027);
    int fd = open("f", O_CREAT | O_RDWR, 0666);
    fstat(fd, &st);
    printf("mode %o size %ld links %ld\n", st.st_mode, (long)st.st_size, (long)st.st_nlink);
    yes("mine", st.st_uid == geteuid() && st.st_gid == getegid());
    show("umask", umask(022));
    show("chmod", chmod("f", 04751));
    stat("f", &st);
    printf("mode %o\n", st.st_mode);
    write(fd, "x", 1);
    show("fchmod", fchmod(fd, 0));
    show("chmod missing", chmod("nothing", 0644));
    show("access F", access("f", F_OK));
    show("access missing", access("nothing", R_OK));
    show("access bad mode", access("f", 99));
    struct timespec times[2] = {{1000000000, 123456789}, {1234567890, 987654321}};
    show("utimensat", utimensat(AT_FDCWD, "f", times, 0));
    stat("f", &st);
    printf("%ld.%09ld %ld.%09ld\n", (long)st.st_atim.tv_sec, st.st_atim.tv_nsec, (long)st.st_mtim.tv_sec, st.st_mtim.tv_nsec);
    times[0].tv_nsec = UTIME_OMIT;
    times[1] = (struct timespec){7, 7};
    show("omit", utimensat(AT_FDCWD, "f", times, 0));
    stat("f", &st);
    printf("%ld %ld\n", (long)st.st_atim.tv_sec, (long)st.st_mtim.tv_sec);
    times[0].tv_nsec = 2000000000;
    show("bad nanoseconds", utimensat(AT_FDCWD, "f", times, 0));
    show("futimens now", futimens(fd, NULL));
    fstat(fd, &st);
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    yes("is now", now.tv_sec - st.st_mtim.tv_sec < 5 && st.st_mtim.tv_sec <= now.tv_sec + 1);
    symlink("f", "l");
    times[0] = times[1] = (struct timespec){42, 0};
    show("link time", utimensat(AT_FDCWD, "l", times, AT_SYMLINK_NOFOLLOW));
    lstat("l", &st);
    printf("%ld size %ld\n", (long)st.st_mtim.tv_sec, (long)st.st_size);
    struct statx sx;
    show("statx", syscall(SYS_statx, AT_FDCWD, "f", 0, STATX_BASIC_STATS, &sx));
    printf("mask %d mode %o size %ld links %d\n", (sx.stx_mask & STATX_BASIC_STATS) == STATX_BASIC_STATS, sx.stx_mode, (long)sx.stx_size, sx.stx_nlink);
    show("statx empty path", syscall(SYS_statx, fd, "", AT_EMPTY_PATH, STATX_SIZE, &sx));
    show("statx bad flags", syscall(SYS_statx, fd, "", 0x4000000, STATX_SIZE, &sx));
    show("statx missing", syscall(SYS_statx, AT_FDCWD, "no", 0, STATX_SIZE, &sx));
    stat("/dev/null", &st);
    printf("null %d %u %u\n", S_ISCHR(st.st_mode), major(st.st_rdev), minor(st.st_rdev));
    ftruncate(fd, 10000);
    struct statfs fs;
    show("statfs", statfs(".", &fs));
    yes("sensible", fs.f_bsize > 0 && fs.f_namelen == 255);
    show("statfs missing", statfs("no", &fs));
    struct utsname uts;
    show("uname", uname(&uts));
    puts(uts.sysname);
    return 0;
}
