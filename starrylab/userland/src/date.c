/* date - the time: date [-u] [-d @SECONDS] [-s @SECONDS] [+FORMAT] */
#include "starry.h"

int main_date(int argc, char **argv)
{
    int option;
    time_t now = time(NULL);
    while ((option = getopt(argc, argv, "ud:s:")) != -1) {
        if (option == '?' || (option != 'u' && *optarg != '@'))
            die("usage: date [-u] [-d @seconds] [-s @seconds] [+format]");
        if (option == 'u') {
            setenv("TZ", "UTC0", 1);
            continue;
        }
        now = strtoll(optarg + 1, NULL, 10);
        if (option == 's' && clock_settime(CLOCK_REALTIME, &(struct timespec){.tv_sec = now}) < 0)
            die_errno("cannot set the clock");
    }
    char text[512];
    const char *format = optind < argc && *argv[optind] == '+' ? argv[optind] + 1
                                                              : "%a %b %e %H:%M:%S %Z %Y";
    strftime(text, sizeof text, format, localtime(&now));
    puts(text);
    return 0;
}
