/* open flags, read, write, seek, truncate, append, holes, dup, unlink of open files */
#include "t.h"

int main(void)
{
    char buffer[64] = {0};
    struct stat st;
    show("missing", open("nothing", O_RDONLY));
    show("in missing folder", open("no/thing", O_CREAT | O_WRONLY, 0644));
    int fd = open("file", O_CREAT | O_EXCL | O_RDWR, 0640);
    yes("created", fd >= 0);
    show("exclusive", open("file", O_CREAT | O_EXCL | O_RDWR, 0640));
    show("write", write(fd, "hello world", 11));
    show("seek", lseek(fd, 6, SEEK_SET));
    show("read", read(fd, buffer, 64));
    puts(buffer);
    show("at end", read(fd, buffer, 64));
    show("seek end", lseek(fd, -5, SEEK_END));
    show("seek before start", lseek(fd, -50, SEEK_CUR));
    show("bad whence", lseek(fd, 0, 9));
    show("hole", pwrite(fd, "x", 1, 100000));
    fstat(fd, &st);
    show("size", st.st_size);
    show("hole reads zero", (pread(fd, buffer, 4, 50000), buffer[0] | buffer[3]));
    show("SEEK_DATA", lseek(fd, 0, SEEK_DATA));
    show("SEEK_DATA behind", lseek(fd, 200000, SEEK_DATA));
    show("truncate", ftruncate(fd, 5));
    fstat(fd, &st);
    show("size", st.st_size);
    show("grow", ftruncate(fd, 20));
    memset(buffer, 'z', sizeof buffer);
    show("pread", pread(fd, buffer, 64, 0));
    yes("zero filled", buffer[4] == 'o' && buffer[5] == 0 && buffer[19] == 0);
    int other = open("file", O_WRONLY | O_APPEND);
    show("append", write(other, "end", 3));
    show("position", lseek(other, 0, SEEK_CUR));
    show("pwrite appends", pwrite(other, "!", 1, 0));
    fstat(fd, &st);
    show("size", st.st_size);
    show("read of write-only", read(other, buffer, 1));
    int same = dup(fd);
    lseek(fd, 3, SEEK_SET);
    show("dup shares position", lseek(same, 0, SEEK_CUR));
    show("dup2 to itself", dup2(fd, fd) == fd);
    show("dup3 to itself", dup3(fd, fd, 0));
    show("dup2 of closed", dup2(55, 56));
    show("F_DUPFD", fcntl(fd, F_DUPFD, 50));
    show("flags", fcntl(other, F_GETFL) & (O_ACCMODE | O_APPEND));
    show("set flags", fcntl(other, F_SETFL, 0));
    show("no append now", fcntl(other, F_GETFL) & O_APPEND);
    show("unlink", unlink("file"));
    show("still there", (fstat(fd, &st), st.st_nlink));
    show("and readable", pread(fd, buffer, 5, 0));
    show("open folder to write", open(".", O_WRONLY));
    show("O_DIRECTORY on file", (make_file("plain", "x"), open("plain", O_DIRECTORY)));
    show("path through file", open("plain/x", O_RDONLY));
    show("trailing slash", open("plain/", O_RDONLY));
    show("read folder", read(open(".", O_RDONLY), buffer, 1));
    int path = open("plain", O_PATH);
    show("O_PATH read", read(path, buffer, 1));
    show("O_PATH fstat", fstat(path, &st));
    show("O_NOFOLLOW", (symlink("plain", "link"), open("link", O_NOFOLLOW)));
    show("O_TRUNC", (close(open("plain", O_WRONLY | O_TRUNC)), stat("plain", &st), st.st_size));
    show("fallocate", fallocate(fd, 0, 0, 9000));
    show("size", (fstat(fd, &st), st.st_size));
    char longname[300];
    memset(longname, 'n', 299);
    longname[299] = 0;
    show("long name", open(longname, O_RDONLY));
    show("empty name", open("", O_RDONLY));
    int hidden = open(".", O_TMPFILE | O_RDWR, 0600);
    if (hidden >= 0)
        show("O_TMPFILE links", (fstat(hidden, &st), st.st_nlink));
    show("close twice", (close(same), close(same)));
    struct iovec parts[2] = {{"ab", 2}, {"cd", 2}};
    show("pwritev", pwritev(fd, parts, 2, 1));
    show("preadv", (pread(fd, buffer, 5, 0), buffer[1] * 1000 + buffer[4]));
    return 0;
}
