/* pipes: capacity, O_NONBLOCK, EPIPE, atomic writes, F_SETPIPE_SZ, end of file */
#include "t.h"

int main(void)
{
    int p[2];
    char buffer[70000];
    memset(buffer, 'b', sizeof buffer);
    signal(SIGPIPE, SIG_IGN);
    ok("pipe2", pipe2(p, O_NONBLOCK | O_CLOEXEC));
    show("flags", (fcntl(p[0], F_GETFL) & (O_NONBLOCK | O_ACCMODE)) == O_NONBLOCK);
    show("cloexec", fcntl(p[1], F_GETFD));
    show("read empty", read(p[0], buffer, 1));
    show("capacity", fcntl(p[0], F_GETPIPE_SZ));
    show("write much", write(p[1], buffer, sizeof buffer));
    show("write more", write(p[1], buffer, 1));
    int ready;
    ioctl(p[0], FIONREAD, &ready);
    show("FIONREAD", ready);
    show("read part", read(p[0], buffer, 4096));
    show("write atomic", write(p[1], buffer, 4096));
    show("write atomic again", write(p[1], buffer, 100));
    struct pollfd polls[2] = {{p[0], POLLIN, 0}, {p[1], POLLOUT, 0}};
    show("poll", poll(polls, 2, 0));
    printf("revents %x %x\n", polls[0].revents, polls[1].revents);
    long total = 0, n;
    while ((n = read(p[0], buffer, sizeof buffer)) > 0)
        total += n;
    show("drained", total);
    close(p[1]);
    show("end of file", read(p[0], buffer, 1));
    poll(polls, 1, 0);
    printf("revents %x\n", polls[0].revents);
    close(p[0]);
    ok("pipe", pipe(p));
    close(p[0]);
    show("EPIPE", write(p[1], "x", 1));
    polls[0] = (struct pollfd){p[1], POLLOUT, 0};
    poll(polls, 1, 0);
    printf("revents %x\n", polls[0].revents);
    show("write zero", write(p[1], "x", 0));
    close(p[1]);
    ok("pipe", pipe(p));
    show("lseek", lseek(p[0], 0, SEEK_CUR));
    show("read the writing end", read(p[1], buffer, 1));
    show("write the reading end", write(p[0], buffer, 1));
    show("set size", fcntl(p[0], F_SETPIPE_SZ, 100000));
    pid_t pid = fork();
    if (!pid) {
        close(p[0]);
        for (int i = 0; i < 200; i++)
            if (write(p[1], buffer, 5000) != 5000)
                _exit(1);
        _exit(0);
    }
    close(p[1]);
    total = 0;
    while ((n = read(p[0], buffer, 3000)) > 0)
        total += n;
    show("through", total);
    show_status("writer", reap(pid));
    signal(SIGPIPE, SIG_DFL);
    pipe(p);
    close(p[0]); /* before the fork: nobody may read when the child writes */
    if (!(pid = fork())) {
        write(p[1], "x", 1);
        _exit(0);
    }
    close(p[1]);
    show_status("SIGPIPE", reap(pid));
    ok("bad flags", pipe2(p, 0x40));
    struct stat st;
    pipe(p);
    fstat(p[0], &st);
    yes("is a fifo", S_ISFIFO(st.st_mode));
    struct iovec parts[3] = {{"ab", 2}, {"", 0}, {"cde", 3}};
    show("writev", writev(p[1], parts, 3));
    char one[2], two[9] = {0};
    struct iovec in[2] = {{one, 2}, {two, 8}};
    show("readv", readv(p[0], in, 2));
    printf("%.2s %s\n", one, two);
    return 0;
}
