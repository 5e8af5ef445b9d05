/* ls - list files: -a all, -l long, -i inode, -d the folder itself, -1 one a line, -R deep, -h */
#include "starry.h"
#include <sys/sysmacros.h>

static bool all, lengthy, inodes, self, single, deep, readable, shown;

struct item {
    char *name;
    struct stat st;
};

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct item *)a)->name, ((const struct item *)b)->name);
}

static void print_long(const char *folder, struct item *item)
{
    char mode[11], when[32], size[16];
    struct stat *st = &item->st;
    mode_text(st->st_mode, mode);
    strftime(when, sizeof when, time(NULL) - st->st_mtime > 180 * 86400 ? "%b %e  %Y" : "%b %e %H:%M",
             localtime(&st->st_mtime));
    printf("%s %3lu %-8s ", mode, (unsigned long)st->st_nlink, user_name(st->st_uid));
    printf("%-8s ", group_name(st->st_gid));
    if (S_ISCHR(st->st_mode) || S_ISBLK(st->st_mode))
        printf("%3u, %3u ", major(st->st_rdev), minor(st->st_rdev));
    else if (readable)
        printf("%8s ", human(st->st_size, size));
    else
        printf("%8lld ", (long long)st->st_size);
    printf("%s %s", when, item->name);
    if (S_ISLNK(st->st_mode)) {
        char target[4096];
        char *path = folder ? join_path(folder, item->name) : strdup(item->name);
        ssize_t n = readlink(path, target, sizeof target - 1);
        if (n >= 0)
            printf(" -> %.*s", (int)n, target);
        free(path);
    }
    putchar('\n');
}

static size_t columns_of(const char *text)
{
    size_t n = 0;
    for (; *text; text++)
        n += (*text & 0xC0) != 0x80;
    return n;
}

static void print_items(const char *folder, struct item *items, size_t count)
{
    size_t widest = 1;
    for (size_t i = 0; i < count; i++)
        if (columns_of(items[i].name) > widest)
            widest = columns_of(items[i].name);
    bool columns = !single && !lengthy && isatty(STDOUT_FILENO);
    size_t across = columns ? terminal_width() / (widest + 2) : 1;
    if (across < 1)
        across = 1;
    size_t rows = (count + across - 1) / across;
    for (size_t row = 0; row < rows; row++) {
        for (size_t i = row; i < count; i += rows) {
            if (inodes)
                printf("%8llu ", (unsigned long long)items[i].st.st_ino);
            if (lengthy) {
                print_long(folder, &items[i]);
                continue;
            }
            printf("%s", items[i].name);
            if (columns && i + rows < count)
                printf("%*s", (int)(widest + 2 - columns_of(items[i].name)), "");
        }
        if (!lengthy)
            putchar('\n');
    }
}

static int list_folder(const char *path, bool title)
{
    DIR *folder = opendir(path);
    if (!folder) {
        warn_errno(path);
        return 1;
    }
    size_t count = 0, room = 64;
    struct item *items = need(room * sizeof *items);
    long long blocks = 0;
    int status = 0;
    for (struct dirent *entry; (entry = readdir(folder));) {
        if (entry->d_name[0] == '.' && !all)
            continue;
        if (count == room)
            items = need_more(items, (room *= 2) * sizeof *items);
        struct item *item = &items[count];
        memset(item, 0, sizeof *item);
        if ((lengthy || deep || inodes) &&
            fstatat(dirfd(folder), entry->d_name, &item->st, AT_SYMLINK_NOFOLLOW) < 0) {
            warn_errno(entry->d_name);
            status = 1;
            continue;
        }
        blocks += item->st.st_blocks;
        item->name = strdup(entry->d_name);
        count++;
    }
    closedir(folder);
    qsort(items, count, sizeof *items, by_name);
    if (title)
        printf("%s%s:\n", shown ? "\n" : "", path);
    shown = true;
    if (lengthy)
        printf("total %lld\n", blocks / 2);
    print_items(path, items, count);
    for (size_t i = 0; i < count; i++) {
        bool dots = strcmp(items[i].name, ".") == 0 || strcmp(items[i].name, "..") == 0;
        if (deep && S_ISDIR(items[i].st.st_mode) && !dots) {
            char *below = join_path(path, items[i].name);
            status |= list_folder(below, true);
            free(below);
        }
        free(items[i].name);
    }
    free(items);
    return status;
}

int main_ls(int argc, char **argv)
{
    int option, status = 0;
    while ((option = getopt(argc, argv, "ali1dRhF")) != -1) {
        switch (option) {
        case 'a': all = true; break;
        case 'l': lengthy = true; break;
        case 'i': inodes = true; break;
        case 'd': self = true; break;
        case '1': single = true; break;
        case 'R': deep = true; break;
        case 'h': readable = true; break;
        case 'F': break;
        default: die("usage: ls [-aldi1Rh] [file...]");
        }
    }
    if (optind == argc)
        return self ? (puts("."), 0) : list_folder(".", deep);
    int folders = 0, first = optind;
    size_t count = 0;
    struct item *files = need((argc - first) * sizeof *files);
    for (int i = first; i < argc; i++) {
        struct stat st;
        if ((lengthy || self ? lstat : stat)(argv[i], &st) < 0 && lstat(argv[i], &st) < 0) {
            warn_errno(argv[i]);
            argv[i] = NULL;
            status = 1;
        } else if (!S_ISDIR(st.st_mode) || self) {
            files[count++] = (struct item){argv[i], st};
            argv[i] = NULL;
            shown = true;
        } else {
            folders++;
        }
    }
    qsort(files, count, sizeof *files, by_name);
    print_items(NULL, files, count);
    for (int i = first; i < argc; i++)
        if (argv[i])
            status |= list_folder(argv[i], folders > 1 || count || argc - first > 1);
    free(files);
    return status;
}
