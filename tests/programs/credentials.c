/* user and group numbers: get and set, files of others, in a child that gives up root */
#include "t.h"

static void who(const char *what)
{
    uid_t r, e, s;
    gid_t g, f, t;
    getresuid(&r, &e, &s);
    getresgid(&g, &f, &t);
    printf("%s: %d %d %d / %d %d %d\n", what, r, e, s, g, f, t);
    fflush(stdout);
}

int main(void)
{
    who("start");
    show("setuid same", setuid(getuid()));
    show("seteuid same", seteuid(geteuid()));
    show("setresuid nothing", setresuid(-1, -1, -1));
    show("setreuid nothing", setreuid(-1, -1));
    show("getuid", getuid());
    show("issetugid", (long)(getuid() != geteuid()));
    show("chown to myself", (make_file("f", "x"), chown("f", getuid(), getgid())));
    show("chown nothing", chown("f", -1, -1));
    show("fchownat", fchownat(AT_FDCWD, "f", getuid(), -1, AT_SYMLINK_NOFOLLOW));
    show("root reads what nobody may", (chmod("f", 0), open("f", O_RDONLY) >= 0));
    show("but does not execute it", access("f", X_OK));
    show("no_new_privs", prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
    show("no_new_privs", prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0));
    who("end");
    return 0;
}
