/* fanotify and inotify: what three groups and an instance hear of some thousand random steps */
#include "fanotify_walk.h"

static const unsigned modes[GROUPS] = {FAN_REPORT_FID, NAMED | FAN_REPORT_FID, NAMED | FAN_REPORT_FID | FAN_REPORT_TARGET_FID};

static const char *somewhere(char *path)
{
    const char *folder = folders[any(3)], *leaf = leaves[any(3)];
    if (!any(6))
        strcpy(path, folder);
    else
        sprintf(path, "%s/%s", folder, leaf);
    return path;
}

/* Return what of `mask` the group takes. */
static unsigned long long fitting(int group, unsigned long long mask, int *flags)
{
    if (group == 0 || any(2))
        mask &= ~FAN_RENAME;
    return mask;
}

int main(void)
{
    alarm(60);
    know(".");
    for (int i = 0; i < 3; i++) {
        mkdir(folders[i], 0755);
        name_it(folders[i]);
    }
    walk(modes, 20261121, 4000);
    return 0;
}
