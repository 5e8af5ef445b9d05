/* record locks, open file description locks, flock */
#include "t.h"

static int fd;

static void in_child(const char *what, int command, short type, long start, long length)
{
    fflush(stdout);
    pid_t pid = fork();
    if (!pid) {
        struct flock lock = {.l_type = type, .l_whence = SEEK_SET, .l_start = start, .l_len = length};
        long result = fcntl(fd, command, &lock);
        ok(what, result);
        if (command == F_GETLK && !result)
            printf("  %s start %ld length %ld by parent %d\n", lock.l_type == F_UNLCK ? "free" : lock.l_type == F_WRLCK ? "write" : "read",
                   lock.l_type == F_UNLCK ? 0 : (long)lock.l_start, lock.l_type == F_UNLCK ? 0 : (long)lock.l_len, lock.l_type == F_UNLCK || lock.l_pid == getppid());
        exit(0);
    }
    reap(pid);
}

static long set(short type, long start, long length)
{
    struct flock lock = {.l_type = type, .l_whence = SEEK_SET, .l_start = start, .l_len = length};
    return fcntl(fd, F_SETLK, &lock);
}

int main(void)
{
    make_file("file", "0123456789012345678901234567890123456789");
    fd = open("file", O_RDWR);
    ok("write lock", set(F_WRLCK, 0, 10));
    in_child("other", F_SETLK, F_WRLCK, 5, 10);
    in_child("beside", F_SETLK, F_WRLCK, 10, 10);
    in_child("ask", F_GETLK, F_RDLCK, 0, 100);
    ok("split", set(F_UNLCK, 3, 4));
    in_child("in the hole", F_SETLK, F_WRLCK, 3, 4);
    in_child("ask left", F_GETLK, F_WRLCK, 0, 3);
    in_child("ask right", F_GETLK, F_WRLCK, 5, 50);
    ok("read lock", set(F_RDLCK, 20, 5));
    in_child("read too", F_SETLK, F_RDLCK, 20, 5);
    in_child("but not write", F_SETLK, F_WRLCK, 20, 5);
    ok("to the end", set(F_WRLCK, 30, 0));
    in_child("far away", F_SETLK, F_WRLCK, 1000000, 1);
    struct flock bad = {.l_type = 9};
    ok("bad type", fcntl(fd, F_SETLK, &bad));
    int reader = open("file", O_RDONLY);
    struct flock lock = {.l_type = F_WRLCK};
    ok("write lock needs writing", fcntl(reader, F_SETLK, &lock));
    close(reader); /* closing any descriptor of the file drops them all */
    in_child("dropped", F_SETLK, F_WRLCK, 0, 0);
    set(F_WRLCK, 0, 1);
    pid_t pid = fork();
    if (!pid) {
        lock = (struct flock){.l_type = F_WRLCK, .l_len = 1};
        ok("waited", fcntl(fd, F_SETLKW, &lock));
        exit(0);
    }
    pause_ms(40);
    puts("unlocking");
    fflush(stdout);
    set(F_UNLCK, 0, 1);
    reap(pid);
    int other = open("file", O_RDWR);
    ok("flock", flock(fd, LOCK_EX));
    ok("flock other", flock(other, LOCK_EX | LOCK_NB));
    ok("flock shared", flock(other, LOCK_SH | LOCK_NB));
    ok("downgrade", flock(fd, LOCK_SH));
    ok("both share", flock(other, LOCK_SH | LOCK_NB));
    int copy = dup(fd);
    ok("unlock by copy", flock(copy, LOCK_UN));
    ok("upgrade", flock(other, LOCK_EX | LOCK_NB));
    ok("bad", flock(fd, 77));
    flock(other, LOCK_UN);
    lock = (struct flock){.l_type = F_WRLCK, .l_whence = SEEK_SET};
    ok("ofd", fcntl(fd, F_OFD_SETLK, &lock));
    ok("ofd other", fcntl(other, F_OFD_SETLK, &lock));
    return 0;
}
