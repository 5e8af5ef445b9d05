/* Access control lists: what is a list, what it grants, how chmod, umask and new files meet it */
#include "../t.h"

#include <grp.h>
#include <sys/xattr.h>

#define ACCESS "system.posix_acl_access"
#define DEFAULT "system.posix_acl_default"
#define TRY(call) show(#call, call)
enum { USER_OBJ = 1, USER = 2, GROUP_OBJ = 4, GROUP = 8, MASK = 16, OTHER = 32 };

struct entry { uint16_t tag, perm; uint32_t id; };
struct list { uint32_t version; struct entry entries[16]; };

/* Make a list of words such as "u::rwx" or "g:5:r-x"; return its size. */
static size_t parse(struct list *list, const char *text)
{
    size_t count = 0;
    list->version = 2;
    while (*text) {
        struct entry *entry = &list->entries[count++];
        bool named = text[2] != ':';
        switch (*text) {
        case 'u': entry->tag = named ? USER : USER_OBJ; break;
        case 'g': entry->tag = named ? GROUP : GROUP_OBJ; break;
        case 'm': entry->tag = MASK; break;
        case 'o': entry->tag = OTHER; break;
        default: entry->tag = 64;
        }
        entry->id = named ? strtoul(text + 2, (char **)&text, 10) : 0xffffffff;
        text += named ? 1 : 3;
        entry->perm = 0;
        for (; *text && *text != ' '; text++)
            entry->perm |= *text == 'r' ? 4 : *text == 'w' ? 2 : *text == 'x' ? 1 : *text == '!' ? 8 : 0;
        text += *text == ' ';
    }
    return 4 + count * sizeof(struct entry);
}

static long give(const char *path, const char *name, const char *text)
{
    struct list list;
    size_t size = parse(&list, text);
    return setxattr(path, name, &list, size, 0);
}

static void print(const char *path, const char *name)
{
    struct list list;
    long size = getxattr(path, name, &list, sizeof list);
    printf("  %s:", name + 17);
    if (size < 0)
        printf(" %s", error_name(errno));
    else
        printf(" v%u", list.version);
    for (long i = 0; size > 0 && i < (size - 4) / 8; i++) {
        struct entry *entry = &list.entries[i];
        printf(" %x:%d:%o", entry->tag, (int)entry->id, entry->perm);
    }
    printf("\n");
}

static void print_all(const char *path)
{
    struct stat found;
    char names[256];
    if (lstat(path, &found)) {
        printf("%s: %s\n", path, error_name(errno));
        return;
    }
    printf("%s %o\n", path, found.st_mode);
    print(path, ACCESS);
    print(path, DEFAULT);
    long size = listxattr(path, names, sizeof names);
    for (char *name = names; name < names + size; name += strlen(name) + 1)
        printf("  %s\n", name);
    fflush(stdout);
}

static void what_is_a_list(void)
{
    static const char *const texts[] = {
        "", "u::rw- g::r-- o::---", "u::rw- g::r--", "g::r-- u::rw- o::---", "u::rw- u:1:r-- g::r-- o::---",
        "u::rw- u:1:r-- g::r-- m::r-- o::---", "u::rw- g::r-- m::rwx o::---", "u::rw- g::r-- o::--- m::---",
        "u::rw- u:1:r-- u:1:rwx g::r-- m::r-- o::---", "u::rw- u:9:r-- u:1:rwx g::r-- m::r-- o::---",
        "u::rw- g::r-- g:7:rw- m::rw- o::---", "u::rw- g::r-- g:7:rw- o::---", "u::rw- g:7:rw- g::r-- m::rw- o::---",
        "u::! g::r-- o::---", "x::rw- g::r-- o::---", "u::rw- u::rw- g::r-- o::---", "u::rwx g::rwx o::rwx o::rwx",
        "u::rw- u:4294967295:r-- g::r-- m::r-- o::---", "u::rw- g::r-- g:4294967295:rw- m::rw- o::---",
        "u::rw- g::r-- m::r-- m::r-- o::---", "m::r-- u::rw- g::r-- o::---",
    };
    struct list list;
    printf("-- lists\n");
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        printf("%s\n", texts[i]);
        ok("set", give("file", ACCESS, texts[i]));
        print_all("file");
        ok("default", give("d", DEFAULT, texts[i]));
        print("d", DEFAULT);
        ok("remove", removexattr("file", ACCESS));
        ok("remove", removexattr("d", DEFAULT));
    }
    size_t size = parse(&list, "u::rw- u:1:r-- g::r-- m::r-- o::---");
    TRY(setxattr("file", ACCESS, &list, 3, 0));
    TRY(setxattr("file", ACCESS, &list, 4, 0));
    TRY(setxattr("file", ACCESS, &list, size - 1, 0));
    TRY(setxattr("file", ACCESS, &list, size, XATTR_REPLACE));
    TRY(setxattr("file", ACCESS, &list, size, XATTR_CREATE));
    TRY(getxattr("file", ACCESS, &list, 0));
    TRY(getxattr("file", ACCESS, &list, 10));
    TRY(getxattr("file", "system.posix_acl_other", &list, 10));
    list.version = 1;
    TRY(setxattr("file", ACCESS, &list, size, 0));
    list.version = 2;
    TRY(setxattr("file", DEFAULT, &list, size, 0));
    TRY(setxattr("file", DEFAULT, NULL, 0, 0));
    TRY(removexattr("file", DEFAULT));
    TRY(setxattr("symlink", ACCESS, &list, size, 0));
    TRY(lsetxattr("symlink", ACCESS, &list, size, 0));
    TRY(lgetxattr("symlink", ACCESS, &list, 0));
    TRY(lremovexattr("symlink", ACCESS));
    TRY(setxattr("fifo", ACCESS, &list, size, 0));
    print_all("fifo");
    TRY(getxattr("/proc/self/stat", ACCESS, NULL, 0));
    TRY(setxattr("/proc/self/stat", ACCESS, &list, size, 0));
    TRY(setxattr("/proc/self/stat", "system.other", &list, size, 0));
    TRY(setxattr("file", ACCESS, NULL, 0, 0));
    print_all("file");
}

static void chmod_and_list(void)
{
    printf("-- chmod\n");
    give("file", ACCESS, "u::rw- u:1:rwx g::r-x m::rwx o::---");
    print_all("file");
    TRY(chmod("file", 0640));
    print_all("file");
    TRY(chmod("file", 0777));
    print_all("file");
    TRY(chmod("file", 06000));
    print_all("file");
    TRY(chown("file", 3, 3));
    print_all("file");
    give("file", ACCESS, "u::rw- g::r-x o::r--");
    print_all("file");
    give("file", ACCESS, "u::rw- u:1:rwx g::r-x m::-wx o::---");
    TRY(removexattr("file", ACCESS));
    print_all("file");
    TRY(chown("file", 0, 0));
}

static void new_files(void)
{
    static const char *const texts[] = {
        "u::rwx g::r-x o::r-x", "u::rwx u:1:rwx g::r-x m::rwx o::---", "u::r-x g::rwx g:7:rw- m::rw- o::rwx", "",
    };
    static const int umasks[] = {0, 022, 0777};
    printf("-- new files\n");
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        for (int u = 0; u < 3; u++) {
            printf("%s, umask %o\n", texts[i], umasks[u]);
            give("d", DEFAULT, texts[i]);
            umask(umasks[u]);
            close(open("d/file", O_CREAT | O_WRONLY, 0664));
            mkdir("d/sub", 0750);
            mknod("d/fifo", S_IFIFO | 0666, 0);
            symlink("file", "d/symlink");
            struct sockaddr_un name = {AF_UNIX, "d/socket"};
            int fd = socket(AF_UNIX, SOCK_STREAM, 0);
            bind(fd, (void *)&name, sizeof name);
            close(fd);
            fd = open("d", O_TMPFILE | O_RDWR, 0666);
            char path[32];
            snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
            linkat(AT_FDCWD, path, AT_FDCWD, "d/linked", AT_SYMLINK_FOLLOW);
            close(fd);
            mkdir("d/sub/sub", 0777);
            static const char *const made[] = {"d/file", "d/fifo", "d/socket", "d/linked", "d/sub/sub", "d/sub"};
            for (int m = 0; m < 6; m++) {
                print_all(made[m]);
                m < 4 ? unlink(made[m]) : rmdir(made[m]);
            }
            print_all("d/symlink");
            unlink("d/symlink");
        }
    umask(022);
}

static void as(int uid, int gid, int group, const char *path)
{
    gid_t groups[1] = {group};
    setgroups(1, groups);
    setresgid(-1, gid, -1);
    setresuid(-1, uid, -1);
    printf("  %d:%d,%d ", uid, gid, group);
    for (int wanted = 0; wanted < 8; wanted++)
        printf("%d", !faccessat(AT_FDCWD, path, wanted, AT_EACCESS));
    printf(" %s\n", open("way/in", O_RDONLY) < 0 ? error_name(errno) : "in");
    setresuid(-1, 0, -1);
    setresgid(-1, 0, -1);
}

static unsigned state = 12345;
static unsigned any(unsigned below) { return (state = state * 1103515245 + 12345) / 65536 % below; }

/* Random lists, and what random users may then do. */
static void who_may(void)
{
    printf("-- who may\n");
    mkdir("way", 0700);
    make_file("way/in", "");
    for (int round = 0; round < 60; round++) {
        struct list list = {2, {{USER_OBJ, any(8), -1}}};
        int at = 1;
        for (unsigned u = any(3); u > 0; u--)
            list.entries[at++] = (struct entry){USER, any(8), 1 + any(3)};
        list.entries[at++] = (struct entry){GROUP_OBJ, any(8), -1};
        for (unsigned g = any(3); g > 0; g--)
            list.entries[at++] = (struct entry){GROUP, any(8), 1 + any(3)};
        list.entries[at++] = (struct entry){MASK, any(8), -1};
        list.entries[at++] = (struct entry){OTHER, any(8), -1};
        chown("file", any(4), any(4));
        chown("way", 4, any(4));
        ok("set", setxattr("file", ACCESS, &list, 4 + at * sizeof *list.entries, 0));
        ok("set", setxattr("way", ACCESS, &list, 4 + at * sizeof *list.entries, 0));
        print_all("file");
        for (int uid = 0; uid < 4; uid++)
            as(uid, any(4), any(4), "file");
        if (round % 3 == 0) {
            chmod("file", any(512));
            chmod("way", 0755);
            as(any(4), any(4), any(4), "file");
        }
    }
}

static void by_whom(void)
{
    printf("-- by whom\n");
    chown("file", 1, 1);
    chmod("file", 02755);
    TRY(setresuid(-1, 2, -1));
    TRY(give("file", ACCESS, "u::rw- u:3:r-- g::r-- m::r-- o::---"));
    TRY(removexattr("file", ACCESS));
    TRY(getxattr("file", ACCESS, NULL, 0));
    TRY(setresuid(-1, 0, -1));
    TRY(setresuid(-1, 1, -1));
    TRY(give("file", ACCESS, "u::rw- u:3:r-- g::r-- m::r-- o::---"));
    print_all("file");
    TRY(setresuid(-1, 0, -1));
}

int main(void)
{
    umask(022);
    make_file("file", "");
    mkdir("d", 0777);
    mkfifo("fifo", 0666);
    symlink("file", "symlink");
    what_is_a_list();
    chmod_and_list();
    new_files();
    who_may();
    by_whom();
    return 0;
}
