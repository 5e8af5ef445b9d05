/* RLIMIT_FSIZE and SIGXFSZ; RLIMIT_CPU */
#include "t.h"

static volatile int seen;
static void on(int number) { seen = number; }

int main(void)
{
    signal(SIGXFSZ, on);
    struct rlimit limit = {1000, 2000};
    pid_t pid = fork();
    if (!pid) {
        ok("set", setrlimit(RLIMIT_FSIZE, &limit));
        int fd = open("big", O_CREAT | O_RDWR, 0600);
        char data[700] = {0};
        show("write", write(fd, data, 700));
        show("cut", write(fd, data, 700));
        show("refused", write(fd, data, 700));
        yes("SIGXFSZ", seen == SIGXFSZ);
        show("truncate", ftruncate(fd, 5000));
        exit(0);
    }
    show_status("child", reap(pid));
    return 0;
}
