/* inotify: what execve does to files, the end of a mount, limits */
#include "inotify_events.h"
#include <sys/mount.h>

static void run(const char *path)
{
    char *argv[] = {(char *)path, "exit", NULL};
    pid_t child = fork();
    if (!child) {
        execv(path, argv);
        _exit(errno);
    }
    show_status(path, reap(child));
}

static void programs(const char *self)
{
    char b[65536], here[PATH_MAX];
    int from = open(self, O_RDONLY), to = open("d/program", O_CREAT | O_WRONLY, 0700);
    long n;
    while ((n = read(from, b, sizeof b)) > 0)
        write(to, b, n);
    close(from);
    close(to);
    getcwd(here, sizeof here);
    to = open("d/script", O_CREAT | O_WRONLY, 0700);
    dprintf(to, "#!%s/d/program exit\n", here);
    close(to);
    make_file("d/nonsense", "nonsense");
    chmod("d/nonsense", 0700);
    make_file("d/data", "data");
    show("watch", inotify_add_watch(in, "d", IN_ALL_EVENTS & ~IN_ATTRIB));
    run("d/program");
    show_events("program");
    run("d/script");
    show_events("script");
    run("d/nonsense");
    show_events("no program");
    run("d/data");
    show_events("not executable");
    show("no more", inotify_rm_watch(in, 1));
    show_events("ignored");
}

static void mounts(void)
{
    int other = inotify_init1(IN_NONBLOCK);
    mkdir("m", 0755);
    mkdir("again", 0755);
    ok("mount", mount("none", "m", "tmpfs", 0, NULL));
    make_file("m/file", "text");
    ok("bind", mount("m", "again", NULL, MS_BIND, NULL));
    show("folder", inotify_add_watch(in, "m", IN_CREATE));
    show("file", inotify_add_watch(in, "m/file", IN_OPEN));
    ok("umount", umount("m"));
    show_events("another mount is left");
    ok("umount", umount("again"));
    show_events("unmounted");
    show("removed", inotify_rm_watch(in, 2));
    close(other);
}

static void limits(void)
{
    int many[200], instances = 0, most = 0;
    char text[16] = "";
    int fd = open("/proc/sys/fs/inotify/max_user_instances", O_RDONLY);
    read(fd, text, sizeof text - 1);
    close(fd);
    while (instances < 200 && (many[instances] = inotify_init()) >= 0)
        instances++;
    yes("as many instances as it says", instances < 200 && instances <= atoi(text));
    printf("%s\n", instances < 200 ? error_name(errno) : "all");
    while (instances)
        close(many[--instances]);
    (void)most;
}

int main(int argc, char **argv)
{
    if (argc > 1 && !strcmp(argv[1], "exit"))
        return 7;
    alarm(30);
    mkdir("d", 0755);
    in = inotify_init1(IN_NONBLOCK);
    programs(argv[0]);
    mounts();
    limits();
    return 0;
}
