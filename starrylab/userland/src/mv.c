/* mv - rename or move: mv [-f] FROM... TO; to another file system by copying */
#include "starry.h"

static int run(char **args)
{
    pid_t pid = fork();
    if (pid < 0)
        die_errno("fork");
    if (pid == 0) {
        execvp(args[0], args);
        warn_errno(args[0]);
        _exit(127);
    }
    int status;
    waitpid(pid, &status, 0);
    return status != 0;
}

static int move(char *from, char *to)
{
    if (rename(from, to) == 0)
        return 0;
    if (errno == EXDEV)
        return run((char *[]){"cp", "-a", from, to, NULL}) || run((char *[]){"rm", "-r", from, NULL});
    warn_errno(from);
    return 1;
}

int main_mv(int argc, char **argv)
{
    int first = argc > 1 && strcmp(argv[1], "-f") == 0 ? 2 : 1, status = 0;
    if (argc - first < 2)
        die("usage: mv [-f] from... to");
    struct stat st;
    char *to = argv[argc - 1];
    bool into = stat(to, &st) == 0 && S_ISDIR(st.st_mode);
    if (argc - first > 2 && !into)
        die("%s is not a folder", to);
    for (int i = first; i < argc - 1; i++) {
        char *target = into ? join_path(to, last_part(argv[i])) : strdup(to);
        status |= move(argv[i], target);
        free(target);
    }
    return status;
}
