/* forkbomb - fork without end; the limit of processes stops it, not the machine: forkbomb [SECONDS] */
#include <sys/resource.h>
#include "starry.h"

int main_forkbomb(int argc, char **argv)
{
    double end = seconds_now() + (argc > 1 ? atof(argv[1]) : 5);
    setpgid(0, 0); /* one group, so that one signal ends them all */
    signal(SIGTERM, SIG_DFL);
    pid_t first = getpid();
    unsigned long made = 0, refused = 0;
    while (seconds_now() < end) {
        pid_t pid = fork();
        if (pid < 0)
            refused++, usleep(1000);
        else if (getpid() == first)
            made++;
    }
    if (getpid() != first)
        _exit(0);
    printf("the first process made %lu children and was refused %lu times\n", made, refused);
    fflush(stdout);
    signal(SIGTERM, SIG_IGN);
    kill(0, SIGTERM);
    while (wait(NULL) > 0)
        ;
    return 0;
}
