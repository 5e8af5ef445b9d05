/* uname - the system's name: uname [-snrvma] */
#include <sys/utsname.h>
#include "starry.h"

int main_uname(int argc, char **argv)
{
    struct utsname u;
    if (uname(&u) < 0)
        die_errno("uname");
    const char *options = argc > 1 ? argv[1] + 1 : "s", *space = "";
    const char letters[] = "snrvm", *fields[] = {u.sysname, u.nodename, u.release, u.version, u.machine};
    bool all = strchr(options, 'a');
    for (int i = 0; i < 5; i++)
        if (all || strchr(options, letters[i])) {
            printf("%s%s", space, fields[i]);
            space = " ";
        }
    putchar('\n');
    return 0;
}
