/* mount - show or make mounts: mount [-t TYPE] [-o OPTIONS] [SOURCE] FOLDER; --bind A B */
#include <mntent.h>
#include <sys/mount.h>
#include "starry.h"

static int show(void)
{
    FILE *mounts = setmntent("/proc/mounts", "r");
    if (!mounts)
        die_errno("/proc/mounts");
    for (struct mntent *m; (m = getmntent(mounts));)
        printf("%s on %s type %s (%s)\n", m->mnt_fsname, m->mnt_dir, m->mnt_type, m->mnt_opts);
    endmntent(mounts);
    return 0;
}

static const struct {
    const char *name;
    unsigned long flag;
} known[] = {{"ro", MS_RDONLY},   {"nosuid", MS_NOSUID},   {"nodev", MS_NODEV}, {"noexec", MS_NOEXEC},
             {"bind", MS_BIND},   {"remount", MS_REMOUNT}, {"move", MS_MOVE},   {"noatime", MS_NOATIME},
             {"rw", 0},           {"sync", MS_SYNCHRONOUS}};

/* Take the options that are flags out of the list; the rest is the file system's. */
static unsigned long flags_of(char *options, char *rest)
{
    unsigned long flags = 0;
    *rest = 0;
    for (char *option = strtok(options, ","); option; option = strtok(NULL, ",")) {
        size_t i = 0, count = sizeof known / sizeof *known;
        while (i < count && strcmp(known[i].name, option) != 0)
            i++;
        if (i < count)
            flags |= known[i].flag;
        else
            sprintf(rest + strlen(rest), "%s%s", *rest ? "," : "", option);
    }
    return flags;
}

int main_mount(int argc, char **argv)
{
    const char *type = NULL;
    char *options = strdup(""), *source = NULL;
    unsigned long flags = 0;
    int i = 1;
    if (argc == 1)
        return show();
    for (; i < argc && *argv[i] == '-'; i++) {
        if (strcmp(argv[i], "--bind") == 0)
            flags |= MS_BIND;
        else if (strcmp(argv[i], "-r") == 0)
            flags |= MS_RDONLY;
        else if (strcmp(argv[i], "-t") == 0 && i + 1 < argc)
            type = argv[++i];
        else if (strcmp(argv[i], "-o") == 0 && i + 1 < argc)
            options = argv[++i];
        else
            die("usage: mount [-t type] [-o options] [source] folder");
    }
    if (argc - i < 1 || argc - i > 2)
        die("usage: mount [-t type] [-o options] [source] folder");
    source = argv[i];
    const char *folder = argv[argc - 1];
    char *rest = need(strlen(options) + 2);
    flags |= flags_of(options, rest);
    if (mount(source, folder, type, flags, *rest ? rest : NULL) < 0)
        die_errno(folder);
    return 0;
}
