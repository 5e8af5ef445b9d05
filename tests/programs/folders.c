/* mkdir, rmdir, rename, link, symlink, readlink, getdents, chdir, *at calls */
#include "t.h"

#define renameat2(...) syscall(SYS_renameat2, __VA_ARGS__)

static int compare(const void *a, const void *b) { return strcmp(*(char **)a, *(char **)b); }

static void list(const char *path)
{
    char *names[64];
    int count = 0;
    DIR *dir = opendir(path);
    for (struct dirent *e; dir && (e = readdir(dir)) && count < 64;) {
        char line[300];
        snprintf(line, sizeof line, "%s%s", e->d_name, e->d_type == DT_DIR ? "/" : e->d_type == DT_LNK ? "@" : e->d_type == DT_FIFO ? "|" : "");
        names[count++] = strdup(line);
    }
    if (dir)
        closedir(dir);
    qsort(names, count, sizeof *names, compare);
    printf("%s:", path);
    for (int i = 0; i < count; i++)
        printf(" %s", names[i]);
    putchar('\n');
    fflush(stdout);
}

int main(void)
{
    char text[200] = {0};
    struct stat st;
    show("mkdir", mkdir("d", 0755));
    show("again", mkdir("d", 0755));
    show("deep", mkdir("x/y", 0755));
    show("links", (stat("d", &st), st.st_nlink));
    mkdir("d/sub", 0700);
    make_file("d/file", "text");
    symlink("file", "d/link");
    symlink("/nowhere", "d/broken");
    symlink("loop2", "loop1");
    symlink("loop1", "loop2");
    mkfifo("d/fifo", 0600);
    show("link", link("d/file", "d/hard"));
    show("link count", (stat("d/file", &st), st.st_nlink));
    show("link of folder", link("d", "e"));
    show("link exists", link("d/file", "d/hard"));
    list("d");
    show("readlink", readlink("d/link", text, sizeof text));
    puts(text);
    show("readlink short", readlink("d/link", text, 2));
    show("readlink of file", readlink("d/file", text, 10));
    show("loop", open("loop1", O_RDONLY));
    show("broken", open("d/broken", O_RDONLY));
    show("rmdir full", rmdir("d"));
    show("rmdir file", rmdir("d/file"));
    show("unlink folder", unlink("d"));
    show("rename", rename("d/file", "d/renamed"));
    show("rename missing", rename("nope", "d/x"));
    show("rename over", (make_file("over", "o"), rename("over", "d/renamed")));
    show("old link remains", (stat("d/hard", &st), st.st_nlink));
    show("rename folder into itself", rename("d", "d/sub/d"));
    show("rename file over folder", rename("d/renamed", "d/sub"));
    show("rename folder over file", rename("d/sub", "d/renamed"));
    show("rename folder over full", (mkdir("full", 0755), make_file("full/x", ""), rename("d/sub", "full")));
    show("noreplace", renameat2(AT_FDCWD, "d/hard", AT_FDCWD, "d/renamed", 1));
    show("exchange", renameat2(AT_FDCWD, "d/sub", AT_FDCWD, "d/hard", 2));
    list("d");
    int dir = open("d", O_RDONLY | O_DIRECTORY);
    show("openat", openat(dir, "renamed", O_RDONLY) >= 0);
    show("mkdirat", mkdirat(dir, "at", 0755));
    show("fstatat nofollow", fstatat(dir, "link", &st, AT_SYMLINK_NOFOLLOW));
    yes("is a link", S_ISLNK(st.st_mode));
    show("unlinkat", unlinkat(dir, "at", AT_REMOVEDIR));
    show("unlinkat file as folder", unlinkat(dir, "renamed", AT_REMOVEDIR));
    show("at on a file", openat(open("d/renamed", O_RDONLY), "x", O_RDONLY));
    show("empty path", fstatat(dir, "", &st, AT_EMPTY_PATH));
    show("chdir", chdir("d/hard"));
    getcwd(text, sizeof text);
    puts(strstr(text, "/d/hard") ? "in d/hard" : text);
    show("chdir to file", chdir("../renamed"));
    show("fchdir", fchdir(dir));
    show("dotdot", (chdir(".."), access("d", F_OK)));
    char small[2];
    chdir("d");
    ok("getcwd small", (long)getcwd(small, 2) ? 0 : -1);
    chdir("..");
    show("removed cwd", (mkdir("gone", 0755), chdir("gone"), rmdir("../gone")));
    show("create there", open("x", O_CREAT | O_WRONLY, 0600));
    ok("getcwd", getcwd(text, sizeof text) ? 0 : -1);
    show("getdents", (lseek(dir, 0, SEEK_SET), syscall(SYS_getdents64, dir, text, 10)));
    show("getdents of file", syscall(SYS_getdents64, 1, text, 100) == -1 ? -1 : 0);
    return 0;
}
