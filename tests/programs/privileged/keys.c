/* add_key, request_key, keyctl: keyrings and who has them, permissions, links, timeouts, errors in their order */
#include "../t.h"

#include <linux/keyctl.h>

static long add(const char *type, const char *name, const void *data, size_t size, int ring)
{
    return syscall(SYS_add_key, type, name, data, size, ring);
}

static long ctl(int operation, unsigned long a, unsigned long b, unsigned long c, unsigned long d)
{
    return syscall(SYS_keyctl, operation, a, b, c, d);
}

static const char *key_error(void)
{
    switch (errno) {
    case 126: return "ENOKEY";
    case 127: return "EKEYEXPIRED";
    case 128: return "EKEYREVOKED";
    case 122: return "EDQUOT";
    }
    return error_name(errno);
}

static long say(const char *what, long result)
{
    printf("%s: %s\n", what, result == -1 ? key_error() : "ok");
    fflush(stdout);
    return result;
}

static void describe(long key)
{
    char text[256] = "";
    long size = ctl(KEYCTL_DESCRIBE, key, (long)text, sizeof text, 0);
    if (size < 0)
        printf("describe: %s\n", key_error());
    else
        printf("%ld %s\n", size - (long)strlen(text), strncmp(text, "keyring;0;0;", 12) ? text : text);
}

static void content(long key)
{
    char text[64] = "";
    long size = ctl(KEYCTL_READ, key, (long)text, sizeof text - 1, 0);
    if (size < 0)
        printf("read: %s\n", key_error());
    else
        printf("read %ld: %s\n", size, text);
}

static void adding(void)
{
    char big[40000];
    memset(big, 'x', sizeof big);
    say("session", ctl(KEYCTL_JOIN_SESSION_KEYRING, 0, 0, 0, 0));
    long session = say("its id", ctl(KEYCTL_GET_KEYRING_ID, KEY_SPEC_SESSION_KEYRING, 0, 0, 0));
    describe(session);
    long key = say("add", add("user", "name", "content", 7, KEY_SPEC_SESSION_KEYRING));
    describe(key);
    content(key);
    yes("update is the same", add("user", "name", "other", 5, KEY_SPEC_SESSION_KEYRING) == key);
    content(key);
    say("update", ctl(KEYCTL_UPDATE, key, (long)"third", 5, 0));
    content(key);
    say("no type", add(NULL, "name", "x", 1, KEY_SPEC_SESSION_KEYRING));
    say("empty type", add("", "name", "x", 1, KEY_SPEC_SESSION_KEYRING));
    say("unknown type", add("nothing", "name", "x", 1, KEY_SPEC_SESSION_KEYRING));
    say("kernel's type", add(".user", "name", "x", 1, KEY_SPEC_SESSION_KEYRING));
    say("no name", add("user", NULL, "x", 1, KEY_SPEC_SESSION_KEYRING));
    say("empty name", add("user", "", "x", 1, KEY_SPEC_SESSION_KEYRING));
    say("no content", add("user", "n", NULL, 0, KEY_SPEC_SESSION_KEYRING));
    say("bad content", add("user", "n", (void *)16, 5, KEY_SPEC_SESSION_KEYRING));
    say("much", add("user", "n", big, 32768, KEY_SPEC_SESSION_KEYRING));
    say("too much", add("user", "n", big, 1 << 20, KEY_SPEC_SESSION_KEYRING));
    say("no ring", add("user", "n", "x", 1, 0));
    say("no such ring", add("user", "n", "x", 1, -9));
    say("not a ring", add("user", "n", "x", 1, key));
    say("logon", add("logon", "name", "x", 1, KEY_SPEC_SESSION_KEYRING));
    long logon = say("logon", add("logon", "a:name", "x", 1, KEY_SPEC_SESSION_KEYRING));
    describe(logon);
    content(logon);
    say("keyring with content", add("keyring", "r", "x", 1, KEY_SPEC_SESSION_KEYRING));
    say("kernel's keyring", add("keyring", ".r", NULL, 0, KEY_SPEC_SESSION_KEYRING));
    show("security", ctl(KEYCTL_GET_SECURITY, key, 0, 0, 0) > 0);
    show("describe short", ctl(KEYCTL_DESCRIBE, key, (long)big, 2, 0));
    printf("%c\n", big[0]);
}

static void linking(void)
{
    int serials[4] = {0};
    long one = say("ring", add("keyring", "one", NULL, 0, KEY_SPEC_SESSION_KEYRING));
    long two = say("ring in it", add("keyring", "two", NULL, 0, one));
    long key = say("key", add("user", "deep", "x", 1, two));
    describe(one);
    yes("found", ctl(KEYCTL_SEARCH, KEY_SPEC_SESSION_KEYRING, (long)"user", (long)"deep", 0) == key);
    say("not found", ctl(KEYCTL_SEARCH, KEY_SPEC_SESSION_KEYRING, (long)"user", (long)"none", 0));
    yes("requested", syscall(SYS_request_key, "user", "deep", NULL, 0) == key);
    say("requested: none", syscall(SYS_request_key, "user", "none", NULL, 0));
    say("requested: type", syscall(SYS_request_key, "nothing", "none", NULL, 0));
    say("cycle", ctl(KEYCTL_LINK, one, two, 0, 0));
    say("itself", ctl(KEYCTL_LINK, one, one, 0, 0));
    say("link", ctl(KEYCTL_LINK, key, one, 0, 0));
    show("members", ctl(KEYCTL_READ, one, (long)serials, sizeof serials, 0));
    yes("they are there", (serials[0] == two || serials[1] == two)
                              && (serials[0] == key || serials[1] == key));
    say("unlink", ctl(KEYCTL_UNLINK, key, two, 0, 0));
    say("unlink again", ctl(KEYCTL_UNLINK, key, two, 0, 0));
    say("link to a key", ctl(KEYCTL_LINK, one, key, 0, 0));
    say("move", ctl(KEYCTL_MOVE, key, one, two, 0));
    say("move again", ctl(KEYCTL_MOVE, key, one, two, 0));
    say("move flags", ctl(KEYCTL_MOVE, key, two, one, 8));
    long same = add("user", "deep", "y", 1, one);
    yes("another", same != key);
    say("move, exclusive", ctl(KEYCTL_MOVE, key, two, one, 1));
    say("clear", ctl(KEYCTL_CLEAR, one, 0, 0, 0));
    show("members", ctl(KEYCTL_READ, one, 0, 0, 0));
    say("clear a key", ctl(KEYCTL_CLEAR, add("user", "k", "x", 1, one), 0, 0, 0));
    say("restrict", ctl(KEYCTL_RESTRICT_KEYRING, one, 0, 0, 0));
    say("add to it", add("user", "more", "x", 1, one));
    say("restrict again", ctl(KEYCTL_RESTRICT_KEYRING, one, 0, 0, 0));
    say("gone", ctl(KEYCTL_CLEAR, 0x7ffffffe, 0, 0, 0));
    say("no number", ctl(KEYCTL_CLEAR, 0, 0, 0, 0));
}

static void ending(void)
{
    long key = add("user", "ending", "x", 1, KEY_SPEC_SESSION_KEYRING);
    say("timeout", ctl(KEYCTL_SET_TIMEOUT, key, 1000, 0, 0));
    content(key);
    say("no timeout", ctl(KEYCTL_SET_TIMEOUT, key, 0, 0, 0));
    say("revoke", ctl(KEYCTL_REVOKE, key, 0, 0, 0));
    content(key);
    describe(key);
    say("revoke again", ctl(KEYCTL_REVOKE, key, 0, 0, 0));
    say("search it", ctl(KEYCTL_SEARCH, KEY_SPEC_SESSION_KEYRING, (long)"user", (long)"ending", 0));
    key = say("in its place", add("user", "ending", "y", 1, KEY_SPEC_SESSION_KEYRING));
    content(key);
    say("invalidate", ctl(KEYCTL_INVALIDATE, key, 0, 0, 0));
}

static void permissions(void)
{
    long key = add("user", "guarded", "x", 1, KEY_SPEC_SESSION_KEYRING);
    say("permissions", ctl(KEYCTL_SETPERM, key, 0x3f3f3f3f, 0, 0));
    say("unknown ones", ctl(KEYCTL_SETPERM, key, 0x40000000, 0, 0));
    say("only view and setattr", ctl(KEYCTL_SETPERM, key, 0x21210000, 0, 0));
    content(key);
    describe(key);
    say("revoke", ctl(KEYCTL_UPDATE, key, (long)"y", 1, 0));
    say("link", ctl(KEYCTL_LINK, key, KEY_SPEC_PROCESS_KEYRING, 0, 0));
    say("search", ctl(KEYCTL_SEARCH, KEY_SPEC_SESSION_KEYRING, (long)"user", (long)"guarded", 0));
    say("chown", ctl(KEYCTL_CHOWN, key, 1000, -1, 0));
    describe(key);
    say("chown nothing", ctl(KEYCTL_CHOWN, key, -1, -1, 0));
    key = add("user", "others", "x", 1, KEY_SPEC_SESSION_KEYRING);
    pid_t child = fork();
    if (!child) {
        long session = ctl(KEYCTL_GET_KEYRING_ID, KEY_SPEC_SESSION_KEYRING, 0, 0, 0);
        content(key);
        say("another session", ctl(KEYCTL_JOIN_SESSION_KEYRING, (long)"named", 0, 0, 0));
        yes("another", session != ctl(KEYCTL_GET_KEYRING_ID, KEY_SPEC_SESSION_KEYRING, 0, 0, 0));
        setuid(1000);
        say("not possessed", ctl(KEYCTL_READ, key, 0, 0, 0));
        describe(key);
        say("thread", ctl(KEYCTL_GET_KEYRING_ID, KEY_SPEC_THREAD_KEYRING, 0, 0, 0));
        long ring = ctl(KEYCTL_GET_KEYRING_ID, KEY_SPEC_THREAD_KEYRING, 1, 0, 0);
        describe(ring);
        describe(KEY_SPEC_USER_KEYRING);
        describe(KEY_SPEC_USER_SESSION_KEYRING);
        _exit(0);
    }
    reap(child);
    say("group", ctl(KEYCTL_GET_KEYRING_ID, KEY_SPEC_GROUP_KEYRING, 1, 0, 0));
}

static void other_operations(void)
{
    show("default", ctl(KEYCTL_SET_REQKEY_KEYRING, 1, 0, 0, 0));
    show("default now", ctl(KEYCTL_SET_REQKEY_KEYRING, -1, 0, 0, 0));
    say("no default", ctl(KEYCTL_SET_REQKEY_KEYRING, 6, 0, 0, 0));
    say("authority", ctl(KEYCTL_ASSUME_AUTHORITY, 0, 0, 0, 0));
    say("instantiate", ctl(KEYCTL_INSTANTIATE, 5, (long)"x", 1, 0));
    say("negate", ctl(KEYCTL_NEGATE, 5, 1, 0, 0));
    say("unknown", ctl(77, 0, 0, 0, 0));
}

int main(void)
{
    adding();
    linking();
    ending();
    permissions();
    other_operations();
    return 0;
}
