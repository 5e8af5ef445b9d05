/* named pipes: blocking open, O_NONBLOCK, O_RDWR, several writers */
#include "t.h"

int main(void)
{
    char b[100] = {0};
    show("mkfifo", mkfifo("fifo", 0600));
    show("again", mkfifo("fifo", 0600));
    show("write without reader", open("fifo", O_WRONLY | O_NONBLOCK));
    int r = open("fifo", O_RDONLY | O_NONBLOCK);
    yes("read without writer", r >= 0);
    show("nothing", read(r, b, 10));
    int w = open("fifo", O_WRONLY | O_NONBLOCK);
    yes("write with reader", w >= 0);
    show("empty", read(r, b, 10));
    show("write", write(w, "abc", 3));
    show("read", read(r, b, 10));
    close(w);
    show("end", read(r, b, 10));
    close(r);
    pid_t pid = fork();
    if (!pid) {
        w = open("fifo", O_WRONLY); /* waits for the reader */
        write(w, "hello", 5);
        _exit(0);
    }
    pause_ms(20);
    r = open("fifo", O_RDONLY);
    show("met", read(r, b, 100));
    show("end", read(r, b, 100));
    reap(pid);
    close(r);
    int both = open("fifo", O_RDWR);
    show("to myself", write(both, "x", 1));
    show("from myself", read(both, b, 10));
    show("seek", lseek(both, 0, SEEK_SET));
    struct stat st;
    fstat(both, &st);
    yes("fifo", S_ISFIFO(st.st_mode));
    show("truncate", truncate("fifo", 0));
    return 0;
}
