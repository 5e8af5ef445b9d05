/* /proc: self, status, maps, fd, stat, cmdline; /dev: null, zero, full, random */
#include "t.h"

int main(int argc, char **argv)
{
    char b[8192] = {0}, path[64];
    int fd = open("/proc/self/cmdline", O_RDONLY);
    long n = read(fd, b, sizeof b);
    const char *last = b;
    for (long i = 0; i + 1 < n; i++)
        if (!b[i])
            last = b + i + 1;
    printf("last argument %s of %d\n", last, argc);
    snprintf(path, sizeof path, "%d", getpid());
    n = readlink("/proc/self", b, sizeof b - 1);
    b[n > 0 ? n : 0] = 0;
    yes("self", strcmp(b, path) == 0);
    FILE *status = fopen("/proc/self/status", "r");
    bool name = false, pid = false, parent = false;
    while (status && fgets(b, sizeof b, status)) {
        name |= strncmp(b, "Name:", 5) == 0;
        pid |= strncmp(b, "Pid:", 4) == 0 && atoi(b + 4) == getpid();
        parent |= strncmp(b, "PPid:", 5) == 0 && atoi(b + 5) == getppid();
    }
    printf("status %d %d %d\n", name, pid, parent);
    fd = open("/dev/null", O_RDWR);
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    n = readlink(path, b, sizeof b - 1);
    b[n > 0 ? n : 0] = 0;
    puts(b);
    show("null write", write(fd, b, 100));
    show("null read", read(fd, b, 100));
    fd = open("/dev/zero", O_RDWR);
    show("zero read", (b[5] = 1, read(fd, b, 100)));
    show("zero is zero", b[5]);
    fd = open("/dev/full", O_RDWR);
    show("full write", write(fd, b, 1));
    fd = open("/dev/urandom", O_RDONLY);
    show("random", read(fd, b, 32));
    show("getrandom", syscall(SYS_getrandom, b, 32, 0));
    show("getrandom bad flags", syscall(SYS_getrandom, b, 32, 0xff));
    show("no such process", open("/proc/999999/stat", O_RDONLY));
    show("write to status", open("/proc/self/status", O_WRONLY) >= 0);
    prctl(PR_SET_NAME, "newname");
    prctl(PR_GET_NAME, b);
    puts(b);
    show("bad prctl", prctl(9999, 0));
    show("dumpable", prctl(PR_GET_DUMPABLE));
    return 0;
}
