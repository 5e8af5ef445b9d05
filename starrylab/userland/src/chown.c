/* chown - change owner and group: chown [-h] USER[:GROUP]|:GROUP file... */
#include <grp.h>
#include <pwd.h>
#include "starry.h"

static long number_or(const char *text, bool group)
{
    char *end;
    long value = strtol(text, &end, 10);
    if (*text && !*end)
        return value;
    struct passwd *user = group ? NULL : getpwnam(text);
    struct group *entry = group ? getgrnam(text) : NULL;
    if (!user && !entry)
        die("%s: no such %s", text, group ? "group" : "user");
    return user ? (long)user->pw_uid : (long)entry->gr_gid;
}

int main_chown(int argc, char **argv)
{
    bool link = argc > 1 && strcmp(argv[1], "-h") == 0;
    int first = 1 + link, status = 0;
    if (argc < first + 2)
        die("usage: chown [-h] user[:group] file...");
    char *colon = strchr(argv[first], ':');
    if (colon)
        *colon++ = 0;
    uid_t uid = *argv[first] ? number_or(argv[first], false) : (uid_t)-1;
    gid_t gid = colon && *colon ? number_or(colon, true) : (gid_t)-1;
    for (int i = first + 1; i < argc; i++)
        if ((link ? lchown : chown)(argv[i], uid, gid) < 0) {
            warn_errno(argv[i]);
            status = 1;
        }
    return status;
}
