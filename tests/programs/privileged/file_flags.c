/* Flags of files (chattr): which there are, what append-only and immutable forbid, who may set them */
#include "../t.h"

#include <linux/fs.h>
#include <sys/xattr.h>

#define TRY(call) show(#call, call)
#define PREALLOCATED (FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE)

static int set(int fd, int flags) { return ioctl(fd, FS_IOC_SETFLAGS, &flags); }

static int get(int fd)
{
    int flags = -1;
    return ioctl(fd, FS_IOC_GETFLAGS, &flags) ? -1 : flags;
}

static int set_more(int fd, unsigned flags, unsigned extent, unsigned project)
{
    struct fsxattr given = {.fsx_xflags = flags, .fsx_extsize = extent, .fsx_projid = project};
    return ioctl(fd, FS_IOC_FSSETXATTR, &given);
}

static int get_more(int fd)
{
    struct fsxattr got;
    memset(&got, 1, sizeof got);
    if (ioctl(fd, FS_IOC_FSGETXATTR, &got))
        return -1;
    printf("%u %u %u %u %d; ", got.fsx_extsize, got.fsx_nextents, got.fsx_projid, got.fsx_cowextsize,
           got.fsx_pad[7]);
    return got.fsx_xflags;
}

static void every_flag(int file, int directory)
{
    for (int i = 0; i < 32; i++) {
        unsigned flag = 1u << i;
        printf("%x\n", flag);
        ok("set", set(file, flag));
        show("is", get(file));
        set(file, 0);
        ok("of a file", set_more(file, flag, 0, 0));
        show("is", get(file));
        set(file, 0);
        ok("of a directory", set_more(directory, flag, 0, 0));
        show("is", get(directory));
        set(directory, 0);
    }
    TRY(set_more(file, 0, 4096, 0));
    TRY(set_more(file, 0, 0, 1));
    TRY(set_more(file, 0, 0, 0));
}

static long mapped(int fd, int protection, int flags)
{
    void *at = mmap(NULL, 4096, protection, flags, fd, 0);
    return at == MAP_FAILED ? -1 : munmap(at, 4096);
}

static void times(const char *name)
{
    struct timespec now[2] = {{0, UTIME_NOW}, {0, UTIME_NOW}}, then[2] = {{1, 0}, {1, 0}};
    struct timespec one[2] = {{0, UTIME_NOW}, {0, UTIME_OMIT}};
    TRY(utimensat(AT_FDCWD, name, NULL, 0));
    TRY(utimensat(AT_FDCWD, name, now, 0));
    TRY(utimensat(AT_FDCWD, name, one, 0));
    TRY(utimensat(AT_FDCWD, name, then, 0));
}

static void attributes(const char *name)
{
    TRY(chmod(name, 0600));
    TRY(chown(name, 0, 0));
    TRY(chown(name, -1, -1));
    TRY(unlink(name));
    TRY(rename(name, "other"));
    TRY(rename("second", name));
    TRY(link(name, "other"));
    TRY(setxattr(name, "user.a", "b", 1, 0));
    TRY(setxattr(name, "security.a", "b", 1, 0));
    TRY(setxattr(name, "system.posix_acl_access", "", 0, 0));
    TRY(removexattr(name, "user.none"));
    TRY(getxattr(name, "user.none", NULL, 0));
    TRY(access(name, W_OK));
    TRY(access(name, R_OK));
    TRY(truncate(name, 10));
    times(name);
}

static void immutable(int fd)
{
    printf("-- immutable\n");
    TRY(set(fd, FS_IMMUTABLE_FL | FS_NODUMP_FL));
    TRY(get_more(fd));
    attributes("file");
    ok("read", close(open("file", O_RDONLY)));
    TRY(open("file", O_WRONLY));
    TRY(open("file", O_RDONLY | O_TRUNC));
    TRY(open("file", O_WRONLY | O_CREAT, 0600));
    TRY(ftruncate(fd, 10));
    TRY(write(fd, "x", 1));
    TRY(fallocate(fd, 0, 0, 10));
    TRY(fallocate(fd, PREALLOCATED, 0, 10));
}

static void append_only(int fd)
{
    printf("-- append only\n");
    TRY(set(fd, FS_APPEND_FL));
    attributes("file");
    TRY(open("file", O_WRONLY));
    TRY(open("file", O_WRONLY | O_APPEND | O_TRUNC));
    int end = open("file", O_RDWR | O_APPEND), reader = open("file", O_RDONLY);
    TRY(write(end, "ab", 2));
    TRY(fcntl(end, F_SETFL, 0));
    TRY(fcntl(end, F_SETFL, O_APPEND | O_NONBLOCK));
    TRY(fcntl(fd, F_SETFL, O_NONBLOCK));
    TRY(fcntl(fd, F_SETFL, O_APPEND));
    TRY(ftruncate(end, 0));
    TRY(fallocate(end, 0, 0, 100));
    TRY(fallocate(end, FALLOC_FL_KEEP_SIZE, 0, 100));
    TRY(fallocate(end, PREALLOCATED, 0, 100));
    TRY(mapped(end, PROT_READ, MAP_SHARED));
    TRY(mapped(end, PROT_READ | PROT_WRITE, MAP_SHARED));
    TRY(mapped(end, PROT_READ | PROT_WRITE, MAP_PRIVATE));
    TRY(mapped(reader, PROT_READ, MAP_SHARED));
    TRY(set(fd, 0));
    close(end);
    close(reader);
}

static void directories(int directory)
{
    printf("-- directories\n");
    TRY(set(directory, FS_APPEND_FL));
    ok("create", close(open("d/x", O_CREAT | O_WRONLY, 0644)));
    TRY(unlink("d/x"));
    TRY(rename("d/x", "d/y"));
    TRY(rename("second", "d/second"));
    TRY(rename("d/second", "second"));
    TRY(mkdir("d/s", 0755));
    TRY(rmdir("d/s"));
    TRY(link("d/x", "d/z"));
    TRY(symlink("a", "d/l"));
    TRY(rmdir("d"));
    TRY(rename("d", "e"));
    TRY(chmod("d", 0700));
    TRY(set(directory, FS_IMMUTABLE_FL));
    TRY(open("d/new", O_CREAT | O_WRONLY, 0644));
    TRY(mkdir("d/n", 0755));
    TRY(symlink("a", "d/m"));
    TRY(mknod("d/q", S_IFIFO | 0600, 0));
    TRY(open("d", O_TMPFILE | O_RDWR, 0600));
    TRY(unlink("d/x"));
    TRY(rename("d/x", "k"));
    TRY(link("d/x", "k"));
    TRY(link("file", "d/k"));
    TRY(access("d", W_OK));
    TRY(rename("d", "e"));
    TRY(rmdir("d"));
    ok("write below", close(open("d/x", O_WRONLY)));
}

static void passed_on(int directory)
{
    printf("-- passed on\n");
    TRY(set(directory, FS_NODUMP_FL | FS_NOATIME_FL));
    TRY(get(open("d/child", O_CREAT | O_RDWR, 0644)));
    TRY(mkdir("d/cd", 0755));
    TRY(get(open("d/cd", O_RDONLY)));
    TRY(get(open("d", O_TMPFILE | O_RDWR, 0644)));
    int fd = open("d/child", O_RDWR);
    struct stat before, after;
    char byte;
    TRY(write(fd, "data", 4));
    fstat(fd, &before);
    TRY(pread(fd, &byte, 1, 0));
    fstat(fd, &after);
    yes("access time stays", !memcmp(&before.st_atim, &after.st_atim, sizeof before.st_atim));
    TRY(set(directory, 0));
}

static void told(int fd)
{
    struct statx got;
    printf("-- told\n");
    set(fd, FS_APPEND_FL | FS_NODUMP_FL);
    statx(AT_FDCWD, "file", 0, STATX_BASIC_STATS, &got);
    printf("%llx of %llx\n", (long long)got.stx_attributes, (long long)got.stx_attributes_mask);
    statx(AT_FDCWD, "/proc/self/stat", 0, STATX_BASIC_STATS, &got);
    printf("%llx of %llx\n", (long long)got.stx_attributes, (long long)got.stx_attributes_mask);
    set(fd, 0);
}

static void elsewhere(int fd)
{
    int ends[2], path = open("file", O_PATH), reader = open("file", O_RDONLY);
    printf("-- elsewhere\n");
    mkfifo("fifo", 0644);
    symlink("file", "symlink");
    pipe(ends);
    TRY(get(path));
    TRY(set(reader, FS_NODUMP_FL));
    TRY(get(reader));
    TRY(ioctl(reader, FS_IOC_SETFLAGS, 8));
    TRY(ioctl(reader, FS_IOC_GETFLAGS, 8));
    TRY(get(open("fifo", O_RDWR)));
    TRY(set(open("fifo", O_RDWR), 0));
    TRY(get(ends[0]));
    TRY(get(open("/proc/self/status", O_RDONLY)));
    TRY(get(open("/dev/null", O_RDONLY)));
    TRY(get(syscall(SYS_memfd_create, "m", 0)));
    TRY(set(fd, 0));
}

struct attributes { uint64_t flags; uint32_t extent, extents, project, copies; uint64_t more; };

static int set_at(int dir, const char *path, uint64_t flags, int size, int at)
{
    struct attributes given = {flags, 0, 0, 0, 0, size > 24};
    return syscall(469, dir, path, &given, size & ~1, at);
}

static int get_at(int dir, const char *path, int size, int at)
{
    struct attributes got;
    memset(&got, 1, sizeof got);
    if (syscall(468, dir, path, &got, size, at))
        return -1;
    printf("%u %u %u %u %llx; ", got.extent, got.extents, got.project, got.copies, (long long)got.more);
    return got.flags;
}

static void by_path(int fd)
{
    int here = open(".", O_RDONLY), ends[2], path = open("file", O_PATH);
    printf("-- by path\n");
    pipe(ends);
    TRY(set_at(here, "file", 8, 24, 0));
    TRY(get_at(here, "file", 24, 0));
    TRY(get_at(here, "file", 32, 0));
    TRY(get_at(here, "symlink", 24, 0));
    TRY(get_at(here, "symlink", 24, AT_SYMLINK_NOFOLLOW));
    TRY(set_at(here, "symlink", 0, 24, AT_SYMLINK_NOFOLLOW));
    TRY(set_at(here, "symlink", 0x80, 24, 0));
    TRY(get_at(fd, "", 24, AT_EMPTY_PATH));
    TRY(get_at(fd, NULL, 24, AT_EMPTY_PATH));
    TRY(get_at(path, "", 24, AT_EMPTY_PATH));
    TRY(get_at(fd, "", 24, 0));
    TRY(get_at(fd, NULL, 24, 0));
    TRY(get_at(99, "", 24, AT_EMPTY_PATH));
    TRY(get_at(99, "file", 24, 0));
    TRY(get_at(AT_FDCWD, "none", 24, 0));
    TRY(get_at(here, "file", 23, 0));
    TRY(get_at(here, "file", 5000, 0));
    TRY(get_at(here, "file", 24, 1));
    TRY(set_at(here, "file", 0, 25, 0));
    TRY(set_at(here, "file", 0, 33, 0));
    TRY(set_at(here, "file", 0, 22, 0));
    TRY(set_at(here, "file", 1ull << 40, 24, 0));
    for (int i = 0; i < 32; i++) {
        printf("%x ", 1u << i);
        ok("set", set_at(here, "file", 1u << i, 24, 0));
    }
    TRY(set_at(here, "file", 0, 24, 0));
    TRY(get_at(here, "fifo", 24, 0));
    TRY(set_at(here, "fifo", 0, 24, 0));
    TRY(get_at(ends[0], "", 24, AT_EMPTY_PATH));
    TRY(get_at(AT_FDCWD, "/proc/self/stat", 24, 0));
    TRY(set_at(AT_FDCWD, "/proc/self/stat", 0, 24, 0));
    TRY(syscall(468, here, "file", NULL, 24, 0));
    TRY(syscall(469, here, "file", NULL, 24, 0));
}

static void users(int fd)
{
    printf("-- users\n");
    TRY(setresuid(-1, 1000, -1));
    TRY(set(fd, 0));
    TRY(set(fd, FS_NODUMP_FL));
    TRY(set(fd, FS_IMMUTABLE_FL));
    TRY(setresuid(-1, 0, -1));
    TRY(fchown(fd, 1000, 1000));
    TRY(setresuid(-1, 1000, -1));
    TRY(set(fd, FS_NODUMP_FL));
    TRY(set(fd, FS_IMMUTABLE_FL | FS_NODUMP_FL));
    TRY(set_more(fd, FS_XFLAG_IMMUTABLE, 0, 0));
    TRY(set(fd, 1));
    TRY(setresuid(-1, 0, -1));
}

int main(void)
{
    make_file("file", "");
    make_file("second", "");
    mkdir("d", 0755);
    int fd = open("file", O_RDWR), directory = open("d", O_RDONLY);
    TRY(get(fd));
    every_flag(fd, directory);
    immutable(fd);
    append_only(fd);
    directories(directory);
    passed_on(directory);
    told(fd);
    elsewhere(fd);
    by_path(fd);
    users(fd);
    return 0;
}
