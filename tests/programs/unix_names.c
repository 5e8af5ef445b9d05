/* Unix sockets with names: bind, listen, connect, accept, datagrams, abstract names, errors */
#include "t.h"
#include <stddef.h>

#define OFFSET offsetof(struct sockaddr_un, sun_path)

static struct sockaddr_un at;

static socklen_t named(const char *name)
{
    memset(&at, 0, sizeof at);
    at.sun_family = AF_UNIX;
    if (*name == '@') {
        memcpy(at.sun_path + 1, name + 1, strlen(name) - 1);
        return OFFSET + strlen(name);
    }
    strcpy(at.sun_path, name);
    return OFFSET + strlen(name) + 1;
}

static int binds(int s, const char *name)
{
    socklen_t size = named(name);
    return bind(s, (struct sockaddr *)&at, size);
}

static int connects(int s, const char *name)
{
    socklen_t size = named(name);
    return connect(s, (struct sockaddr *)&at, size);
}

static void show_address(const char *what, int (*get)(int, struct sockaddr *, socklen_t *), int s)
{
    struct sockaddr_un u;
    socklen_t size = sizeof u;
    memset(&u, 'x', sizeof u);
    if (get(s, (struct sockaddr *)&u, &size) < 0) {
        show(what, -1);
        return;
    }
    printf("%s: %u", what, size);
    if (size > OFFSET)
        printf(" %c%.*s", u.sun_path[0] ? u.sun_path[0] : '@', (int)(size - OFFSET - 1), u.sun_path + 1);
    puts("");
}

static void show_events(const char *what, int fd)
{
    struct pollfd p = {fd, POLLIN | POLLOUT | POLLRDHUP, 0};
    poll(&p, 1, 0);
    printf("%s: %#x\n", what, p.revents);
}

static void streams(int type)
{
    char b[64];
    struct stat st;
    struct ucred who;
    socklen_t size = sizeof who;
    int l = socket(AF_UNIX, type, 0), c = socket(AF_UNIX, type, 0), d = socket(AF_UNIX, type | SOCK_NONBLOCK, 0);
    printf("-- type %d\n", type);
    show_events("fresh", c);
    ok("listen without a name", listen(l, 1));
    ok("accept without listen", accept(l, NULL, NULL));
    ok("send unconnected", send(c, "x", 1, MSG_NOSIGNAL));
    ok("recv unconnected", recv(c, b, 1, MSG_DONTWAIT));
    ok("connect to nothing", connects(c, "s.sock"));
    ok("bind", binds(l, "s.sock"));
    ok("bind again", binds(l, "other.sock"));
    ok("bind taken", binds(c, "s.sock"));
    ok("the node", stat("s.sock", &st));
    printf("mode %o size %ld\n", st.st_mode, (long)st.st_size);
    ok("open", open("s.sock", O_RDWR));
    ok("connect before listen", connects(c, "s.sock"));
    ok("wrong type", connects(socket(AF_UNIX, SOCK_DGRAM, 0), "s.sock"));
    ok("listen", listen(l, 1));
    show_events("listener", l);
    show_address("own name", getsockname, l);
    show_address("no peer", getpeername, l);
    ok("connect", connects(c, "s.sock"));
    ok("connect again", connects(c, "s.sock"));
    show_events("somebody waits", l);
    show("write before accept", write(c, "early", 5));
    int second = socket(AF_UNIX, type, 0);
    ok("second", connects(second, "s.sock"));
    ok("no room", connects(d, "s.sock"));
    show_address("peer", getpeername, c);
    show_address("unnamed", getsockname, c);
    struct sockaddr_un from;
    socklen_t room = sizeof from;
    int a = accept4(l, (struct sockaddr *)&from, &room, SOCK_CLOEXEC);
    yes("accepted", a >= 0);
    printf("from %u, cloexec %d\n", room, fcntl(a, F_GETFD));
    show("read", read(a, b, 64));
    show_address("end's name", getsockname, a);
    show("answer", write(a, "answer", 6));
    show("read", read(c, b, 64));
    ok("credentials", getsockopt(c, SOL_SOCKET, SO_PEERCRED, &who, &size));
    yes("of this process", who.pid == getpid() && who.uid == geteuid());
    int value;
    size = sizeof value;
    getsockopt(l, SOL_SOCKET, SO_ACCEPTCONN, &value, &size);
    printf("acceptconn %d\n", value);
    ok("nobody waits", accept4(l, NULL, NULL, SOCK_NONBLOCK | 1));
    fcntl(l, F_SETFL, O_NONBLOCK);
    close(accept(l, NULL, NULL));
    show_events("second is closed", second);
    ok("nobody waits", accept(l, NULL, NULL));
    ok("connect", connects(d, "s.sock"));
    close(l);
    show_events("never accepted", d);
    ok("reset", recv(d, b, 1, 0));
    ok("nobody listens", connects(socket(AF_UNIX, type, 0), "s.sock"));
    close(a);
    show_events("peer closed", c);
    show("end", read(c, b, 64));
    show_address("peer is gone", getpeername, c);
    ok("remove", unlink("s.sock"));
}

static void waits(void)
{
    int l = socket(AF_UNIX, SOCK_STREAM, 0);
    char b[8];
    puts("-- waiting");
    ok("bind", binds(l, "@waits"));
    ok("listen", listen(l, 0));
    pid_t child = fork();
    if (!child) {
        for (int i = 0; i < 5; i++) {
            int c = socket(AF_UNIX, SOCK_STREAM, 0);
            if (connects(c, "@waits") < 0 || write(c, "hello", 5) != 5)
                _exit(i + 1);
        }
        _exit(0);
    }
    pause_ms(20);
    for (int i = 0; i < 5; i++) {
        int a = accept(l, NULL, NULL);
        show("hello", read(a, b, 8));
        close(a);
    }
    show_status("child", reap(child));
    struct timeval tv = {0, 20000};
    ok("timeout", setsockopt(l, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof tv));
    int64_t before = now_ms();
    ok("late", accept(l, NULL, NULL));
    yes("waited", now_ms() - before >= 20);
    tv.tv_usec = 1000000;
    ok("bad timeout", setsockopt(l, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof tv));
    ok("short", setsockopt(l, SOL_SOCKET, SO_RCVTIMEO, &tv, 8));
    ok("unknown", setsockopt(l, SOL_SOCKET, 999, &tv, 4));
    ok("shutdown", shutdown(l, SHUT_RD));
    ok("accept after shutdown", accept(l, NULL, NULL));
    ok("connect after shutdown", connects(socket(AF_UNIX, SOCK_STREAM, 0), "@waits"));
}

static void datagrams(void)
{
    int a = socket(AF_UNIX, SOCK_DGRAM, 0), b = socket(AF_UNIX, SOCK_DGRAM, 0), c = socket(AF_UNIX, SOCK_DGRAM, 0);
    char text[64];
    struct sockaddr_un from;
    socklen_t size;
    puts("-- datagrams");
    show_events("fresh", a);
    ok("bind", binds(a, "a.sock"));
    ok("abstract", binds(b, "@b\0"));
    ok("taken", binds(c, "@b"));
    show_address("abstract name", getsockname, b);
    ok("listen", listen(a, 1));
    ok("accept", accept(a, NULL, NULL));
    size = named("@b");
    show("sendto", sendto(a, "to b", 4, 0, (struct sockaddr *)&at, size));
    size = sizeof from;
    show("recvfrom", recvfrom(b, text, 64, 0, (struct sockaddr *)&from, &size));
    printf("%s %u\n", from.sun_path, size);
    show("answer", sendto(b, "to a", 4, 0, (struct sockaddr *)&from, size));
    size = sizeof from;
    show("recvfrom", recvfrom(a, text, 64, 0, (struct sockaddr *)&from, &size));
    printf("@%.*s %u\n", (int)(size - OFFSET - 1), from.sun_path + 1, size);
    size = named("@nobody");
    ok("to nobody", sendto(a, "x", 1, 0, (struct sockaddr *)&at, size));
    size = named("nothing");
    ok("to nothing", sendto(a, "x", 1, 0, (struct sockaddr *)&at, size));
    ok("unconnected", send(a, "x", 1, 0));
    ok("connect", connects(a, "@b"));
    ok("connect to a", connects(c, "a.sock"));
    show("may send", send(a, "1", 1, 0));
    ok("connect b", connects(b, "a.sock"));
    size = named("a.sock");
    ok("a hears b only", sendto(c, "x", 1, 0, (struct sockaddr *)&at, size));
    at.sun_family = AF_UNSPEC;
    ok("disconnect", connect(a, (struct sockaddr *)&at, 2));
    ok("b learns", send(b, "x", 1, 0));
    show_address("a has no peer", getpeername, a);
    fcntl(c, F_SETFL, O_NONBLOCK);
    ok("connect c", connects(c, "@c"));
    ok("connect c", connects(c, "a.sock"));
    int sent = 0;
    while (send(c, "fill", 4, MSG_DONTWAIT) == 4)
        sent++;
    printf("queue %d, %s\n", sent, error_name(errno));
    show_events("full", c);
    recv(a, text, 64, 0);
    show_events("room", c);
    close(a);
    ok("a is closed", send(c, "x", 1, 0));
    ok("no peer any more", send(c, "x", 1, 0));
    ok("nobody has it open", connects(c, "a.sock"));
    size = 2;
    at.sun_family = AF_UNIX;
    ok("any name", bind(c, (struct sockaddr *)&at, 2));
    size = sizeof from;
    getsockname(c, (struct sockaddr *)&from, &size);
    printf("size %u, abstract %d\n", size, !from.sun_path[0]);
}

static void errors(void)
{
    int s = socket(AF_UNIX, SOCK_STREAM, 0), file = open("f", O_RDWR | O_CREAT, 0600);
    char big[200] = {AF_UNIX};
    struct sockaddr_un *const bad = (void *)16;
    socklen_t size = sizeof at, minus = -1;
    puts("-- errors");
    named("name");
    ok("bind a file", bind(file, (struct sockaddr *)&at, sizeof at));
    ok("bind closed", bind(99, (struct sockaddr *)&at, sizeof at));
    ok("bad address", bind(s, (struct sockaddr *)bad, sizeof at));
    ok("short", bind(s, (struct sockaddr *)&at, 1));
    ok("long", bind(s, (struct sockaddr *)big, 120));
    ok("longer", bind(s, (struct sockaddr *)big, 129));
    ok("negative", bind(s, (struct sockaddr *)&at, -1));
    at.sun_family = AF_INET;
    ok("family", bind(s, (struct sockaddr *)&at, sizeof at));
    ok("connect family", connect(s, (struct sockaddr *)&at, sizeof at));
    ok("folder", binds(s, "nowhere/name"));
    ok("existing", binds(s, "f"));
    ok("a file is no socket", connects(s, "f"));
    ok("empty", binds(s, ""));
    ok("getsockname bad", getsockname(s, (struct sockaddr *)bad, &size));
    ok("getsockname bad size", getsockname(s, (struct sockaddr *)&at, (socklen_t *)bad));
    ok("getsockname negative", getsockname(s, (struct sockaddr *)&at, &minus));
    ok("accept a file", accept(file, NULL, NULL));
    ok("accept4 flags", accept4(s, NULL, NULL, 1));
    ok("connect a file", connect(file, (struct sockaddr *)&at, sizeof at));
    ok("listen on a file", listen(file, 1));
    ok("type", socket(AF_UNIX, 77, 0));
    ok("type 4", socket(AF_UNIX, 4, 0));
    ok("protocol", socket(AF_UNIX, SOCK_STREAM, 9));
    ok("family 0", socket(0, SOCK_STREAM, 0));
    ok("getsockopt a file", getsockopt(file, SOL_SOCKET, SO_TYPE, big, &size));
    ok("getsockopt level", getsockopt(s, 77, SO_TYPE, big, &size));
    ok("getsockopt bad", getsockopt(s, SOL_SOCKET, SO_TYPE, bad, &size));
}

static void many(void)
{
    int s[2], got;
    struct mmsghdr m[3] = {0};
    struct iovec v[3];
    char text[3][8] = {"one", "second", ""};
    puts("-- many at once");
    socketpair(AF_UNIX, SOCK_SEQPACKET, 0, s);
    for (int i = 0; i < 3; i++) {
        v[i] = (struct iovec){text[i], strlen(text[i])};
        m[i].msg_hdr.msg_iov = &v[i];
        m[i].msg_hdr.msg_iovlen = 1;
    }
    show("sendmmsg", syscall(SYS_sendmmsg, s[0], m, 2, 0));
    printf("%u %u\n", m[0].msg_len, m[1].msg_len);
    memset(text, 0, sizeof text);
    for (int i = 0; i < 3; i++)
        v[i].iov_len = 8;
    got = show("recvmmsg", syscall(SYS_recvmmsg, s[1], m, 3, MSG_WAITFORONE, NULL));
    for (int i = 0; i < got; i++)
        printf("%u %s\n", m[i].msg_len, text[i]);
    ok("nothing", syscall(SYS_recvmmsg, s[1], m, 3, MSG_DONTWAIT, NULL));
    ok("bad", syscall(SYS_sendmmsg, s[0], (void *)16, 1, 0));
}

int main(void)
{
    alarm(30);
    streams(SOCK_STREAM);
    streams(SOCK_SEQPACKET);
    waits();
    datagrams();
    errors();
    many();
    return 0;
}
