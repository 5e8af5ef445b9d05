/* umount - take mounts away: umount [-l] folder... */
#include <sys/mount.h>
#include "starry.h"

int main_umount(int argc, char **argv)
{
    int first = 1, flags = 0, status = 0;
    if (argc > 1 && strcmp(argv[1], "-l") == 0) {
        flags = MNT_DETACH;
        first++;
    }
    for (int i = first; i < argc; i++)
        if (umount2(argv[i], flags) < 0) {
            warn_errno(argv[i]);
            status = 1;
        }
    return status;
}
