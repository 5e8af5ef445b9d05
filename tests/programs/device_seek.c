/* lseek(2) on devices that have no positions: null(4), full(4), random(4). */
#include "t.h"

static const char *names[] = {"null", "zero", "full", "random", "urandom"};

int main(void)
{
    char path[20], bytes[100];
    for (unsigned i = 0; i < sizeof names / sizeof *names; i++) {
        snprintf(path, sizeof path, "/dev/%s", names[i]);
        int fd = open(path, O_RDWR);
        show(path, read(fd, bytes, sizeof bytes));
        show("where", lseek(fd, 0, SEEK_CUR));
        show("to 50", lseek(fd, 50, SEEK_SET));
        show("where", lseek(fd, 0, SEEK_CUR));
        show("from the end", lseek(fd, -4096, SEEK_END));
        show("before the start", lseek(fd, -1, SEEK_SET));
        show("data", lseek(fd, 10, SEEK_DATA));
        show("unknown", lseek(fd, 0, 9));
        show("read there", pread(fd, bytes, sizeof bytes, 1000));
        close(fd);
    }
    return 0;
}
