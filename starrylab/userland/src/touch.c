/* touch - make files, or give them the present time: touch [-c] [-d @SECONDS] file... */
#include "starry.h"

int main_touch(int argc, char **argv)
{
    int option, status = 0;
    bool create = true;
    struct timespec times[2] = {{.tv_nsec = UTIME_NOW}, {.tv_nsec = UTIME_NOW}};
    while ((option = getopt(argc, argv, "cd:")) != -1) {
        if (option == 'c')
            create = false;
        else if (option == 'd' && *optarg == '@')
            times[0] = times[1] = (struct timespec){.tv_sec = strtoll(optarg + 1, NULL, 10)};
        else
            die("usage: touch [-c] [-d @seconds] file...");
    }
    for (int i = optind; i < argc; i++) {
        if (utimensat(AT_FDCWD, argv[i], times, 0) == 0)
            continue;
        if (errno == ENOENT && !create)
            continue;
        int fd = errno == ENOENT ? open(argv[i], O_WRONLY | O_CREAT, 0666) : -1;
        if (fd < 0 || futimens(fd, times) < 0) {
            warn_errno(argv[i]);
            status = 1;
        }
        if (fd >= 0)
            close(fd);
    }
    return status;
}
