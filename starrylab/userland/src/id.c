/* id - who am I: id [-u | -g | -un] */
#include "starry.h"

int main_id(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "-un") == 0)
        return puts(user_name(geteuid())) < 0;
    if (argc > 1)
        return printf("%u\n", argv[1][1] == 'g' ? getegid() : geteuid()) < 0;
    printf("uid=%u(%s) gid=%u(%s)", getuid(), user_name(getuid()), getgid(), group_name(getgid()));
    if (geteuid() != getuid())
        printf(" euid=%u(%s)", geteuid(), user_name(geteuid()));
    gid_t groups[64];
    int count = getgroups(64, groups);
    for (int i = 0; i < count; i++)
        printf("%s%u(%s)", i ? "," : " groups=", groups[i], group_name(groups[i]));
    putchar('\n');
    return 0;
}
