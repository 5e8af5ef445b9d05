/* env - show or change the environment: env [-i] [-u NAME] [NAME=VALUE...] [command...] */
#include "starry.h"

extern char **environ;

int main_env(int argc, char **argv)
{
    int option;
    while ((option = getopt(argc, argv, "+iu:")) != -1) {
        if (option == 'i')
            clearenv();
        else if (option == 'u')
            unsetenv(optarg);
        else
            die("usage: env [-i] [-u name] [name=value...] [command...]");
    }
    for (; optind < argc && strchr(argv[optind], '='); optind++)
        putenv(argv[optind]);
    if (optind < argc) {
        execvp(argv[optind], argv + optind);
        int code = errno == ENOENT ? 127 : 126;
        warn_errno(argv[optind]);
        return code;
    }
    for (char **entry = environ; entry && *entry; entry++)
        puts(*entry);
    return 0;
}
