/* find - walk a tree: find [path...] [-name P] [-type T] [-maxdepth N] [-newer F] [-size +N]
 *        [-exec CMD {} ;] [-delete] [-print]; tests are joined by "and", ! turns one round */
#include <fnmatch.h>
#include "starry.h"

static char **tests;
static struct stat newer;
static long max_depth = 1 << 20;
static bool depth_first;

static bool execute(char **words, int count, const char *path)
{
    pid_t pid = fork();
    if (pid < 0)
        die_errno("fork");
    if (pid == 0) {
        char **args = need((count + 1) * sizeof *args);
        for (int i = 0; i < count; i++)
            args[i] = strcmp(words[i], "{}") == 0 ? (char *)path : words[i];
        args[count] = NULL;
        execvp(args[0], args);
        warn_errno(args[0]);
        _exit(127);
    }
    int status;
    waitpid(pid, &status, 0);
    return status == 0;
}

static bool has_type(const struct stat *st, char letter)
{
    static const char letters[] = "fdlpcbs";
    static const mode_t kinds[] = {S_IFREG, S_IFDIR, S_IFLNK, S_IFIFO, S_IFCHR, S_IFBLK, S_IFSOCK};
    const char *at = letter ? strchr(letters, letter) : NULL;
    if (!at)
        die("-type %c: not a type", letter);
    return (st->st_mode & S_IFMT) == kinds[at - letters];
}

static bool has_size(const struct stat *st, const char *text)
{
    char *end, sign = *text;
    long long wanted = strtoll(text + (sign == '+' || sign == '-'), &end, 10);
    long long unit = *end == 'c' ? 1 : *end == 'k' ? 1024 : *end == 'M' ? 1 << 20 : 512;
    long long size = (st->st_size + unit - 1) / unit;
    return sign == '+' ? size > wanted : sign == '-' ? size < wanted : size == wanted;
}

static void judge(const char *path, const struct stat *st)
{
    bool acted = false;
    for (char **t = tests; *t; t++) {
        bool turn = strcmp(*t, "!") == 0, yes = true;
        if (turn)
            t++;
        const char *test = *t;
        if (strcmp(test, "-print") == 0) {
            puts(path);
            acted = true;
        } else if (strcmp(test, "-delete") == 0) {
            acted = true;
            if ((yes = remove(path) == 0) == false)
                warn_errno(path);
        } else if (!t[1]) {
            die("%s needs an argument", test);
        } else if (strcmp(test, "-name") == 0) {
            yes = fnmatch(*++t, last_part(path), 0) == 0;
        } else if (strcmp(test, "-path") == 0) {
            yes = fnmatch(*++t, path, 0) == 0;
        } else if (strcmp(test, "-type") == 0) {
            yes = has_type(st, **++t);
        } else if (strcmp(test, "-size") == 0) {
            yes = has_size(st, *++t);
        } else if (strcmp(test, "-newer") == 0) {
            t++;
            yes = st->st_mtim.tv_sec != newer.st_mtim.tv_sec
                      ? st->st_mtim.tv_sec > newer.st_mtim.tv_sec
                      : st->st_mtim.tv_nsec > newer.st_mtim.tv_nsec;
        } else if (strcmp(test, "-exec") == 0) {
            char **words = ++t;
            int count = 0;
            while (words[count] && strcmp(words[count], ";") != 0)
                count++;
            if (!words[count])
                die("-exec needs a ; at its end");
            t += count;
            fflush(stdout);
            yes = execute(words, count, path);
            acted = true;
        } else if (strcmp(test, "-maxdepth") == 0) {
            t++;
        } else {
            die("%s: not a test", test);
        }
        if (yes == turn)
            return;
    }
    if (!acted)
        puts(path);
}

static int walk(const char *path, long depth)
{
    struct stat st;
    if (lstat(path, &st) < 0) {
        warn_errno(path);
        return 1;
    }
    int status = 0;
    if (!depth_first)
        judge(path, &st);
    DIR *folder = NULL;
    if (S_ISDIR(st.st_mode) && depth < max_depth && !(folder = opendir(path))) {
        warn_errno(path);
        status = 1;
    }
    for (struct dirent *entry; folder && (entry = readdir(folder));) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        char *below = join_path(path, entry->d_name);
        status |= walk(below, depth + 1);
        free(below);
    }
    if (folder)
        closedir(folder);
    if (depth_first)
        judge(path, &st);
    return status;
}

int main_find(int argc, char **argv)
{
    int first = 1, status = 0;
    while (first < argc && *argv[first] != '-' && *argv[first] != '!')
        first++;
    tests = argv + first;
    for (char **t = tests; *t; t++) {
        if (strcmp(*t, "-newer") == 0 && t[1] && stat(t[1], &newer) < 0)
            die_errno(t[1]);
        if (strcmp(*t, "-maxdepth") == 0 && t[1])
            max_depth = atol(t[1]);
        depth_first |= strcmp(*t, "-delete") == 0;
    }
    if (first == 1)
        return walk(".", 0);
    for (int i = 1; i < first; i++)
        status |= walk(argv[i], 0);
    return status;
}
