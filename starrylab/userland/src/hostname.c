/* hostname - show or set the name of this machine */
#include "starry.h"

int main_hostname(int argc, char **argv)
{
    char name[256];
    if (argc > 1)
        return sethostname(argv[1], strlen(argv[1])) < 0 ? (warn_errno(argv[1]), 1) : 0;
    if (gethostname(name, sizeof name) < 0)
        die_errno("gethostname");
    puts(name);
    return 0;
}
