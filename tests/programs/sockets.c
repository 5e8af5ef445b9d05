/* socketpair: stream, datagram, passed descriptors, peek, shutdown, end of stream */
#include "t.h"

int main(void)
{
    int s[2], t[2];
    char b[100] = {0};
    signal(SIGPIPE, SIG_IGN);
    ok("socketpair", socketpair(AF_UNIX, SOCK_STREAM, 0, s));
    show("send", send(s[0], "hello", 5, 0));
    show("peek", recv(s[1], b, 2, MSG_PEEK));
    show("recv", recv(s[1], b, 100, 0));
    puts(b);
    show("nothing", recv(s[1], b, 100, MSG_DONTWAIT));
    int ends[2];
    pipe(ends);
    union { struct cmsghdr align; char room[CMSG_SPACE(sizeof(int))]; } control = {0};
    struct iovec v = {"fd", 2};
    struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
    struct cmsghdr *c = CMSG_FIRSTHDR(&m);
    c->cmsg_level = SOL_SOCKET;
    c->cmsg_type = SCM_RIGHTS;
    c->cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(c), &ends[1], sizeof(int));
    show("sendmsg", sendmsg(s[0], &m, 0));
    close(ends[1]);
    memset(&control, 0, sizeof control);
    v = (struct iovec){b, 100};
    m = (struct msghdr){.msg_iov = &v, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
    show("recvmsg", recvmsg(s[1], &m, 0));
    int passed;
    memcpy(&passed, CMSG_DATA(CMSG_FIRSTHDR(&m)), sizeof passed);
    show("write through", write(passed, "via", 3));
    close(passed);
    show("read", read(ends[0], b, 100));
    show("end", read(ends[0], b, 100));
    show("shutdown", shutdown(s[0], SHUT_WR));
    show("end of stream", recv(s[1], b, 100, 0));
    show("after shutdown", send(s[0], "x", 1, 0));
    close(s[1]);
    show("peer gone", recv(s[0], b, 100, 0));
    ok("datagrams", socketpair(AF_UNIX, SOCK_DGRAM, 0, t));
    send(t[0], "first", 5, 0);
    send(t[0], "second", 6, 0);
    show("cut", recv(t[1], b, 3, 0));
    show("next", recv(t[1], b, 100, 0));
    show("not a socket", send(1, b, 1, 0));
    return 0;
}
