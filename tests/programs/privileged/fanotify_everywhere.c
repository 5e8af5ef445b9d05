/* fanotify as root may use it: what groups with marks of mounts and file systems hear of random steps */
#include "../fanotify_walk.h"
#include <sys/mount.h>

static const unsigned modes[GROUPS] = {FAN_CLASS_NOTIF, NAMED | FAN_REPORT_FID | FAN_REPORT_TARGET_FID, FAN_REPORT_FID | FAN_REPORT_DIR_FID};

static const char *somewhere(char *path)
{
    const char *folder = folders[any(3)], *leaf = leaves[any(3)];
    const char *top = any(3) ? "m" : "n";
    if (!any(6))
        sprintf(path, "%s/%s", top, folder);
    else
        sprintf(path, "%s/%s/%s", top, folder, leaf);
    return path;
}

/* Return what of `mask` the group takes. */
static unsigned long long fitting(int group, unsigned long long mask, int *flags)
{
    if (group != 1 || any(2))
        mask &= ~FAN_RENAME;
    if (group == 0)
        mask &= FAN_ACCESS | FAN_MODIFY | FAN_CLOSE | FAN_OPEN | FAN_ONDIR | FAN_EVENT_ON_CHILD;
    *flags |= (unsigned[]){0, 0, FAN_MARK_MOUNT, FAN_MARK_FILESYSTEM}[any(4)];
    return mask;
}

int main(void)
{
    alarm(60);
    mkdir("m", 0755);
    mkdir("n", 0755);
    mount("none", "m", "tmpfs", 0, NULL);
    mount("m", "n", NULL, MS_BIND, NULL);
    know("m");
    for (int i = 0; i < 3; i++) {
        char path[64];
        sprintf(path, "m/%s", folders[i]);
        mkdir(path, 0755);
        name_it(path);
    }
    walk(modes, 20261122, 1500);
    return 0;
}
