/* Filters of AF_UNIX sockets: classic BPF decides what comes in, and how much of it. */
#include <errno.h>
#include <linux/filter.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <unistd.h>

#ifndef SO_LOCK_FILTER
#define SO_LOCK_FILTER 44
#endif

static int attach(int fd, struct sock_filter *code, int count)
{
	struct sock_fprog program = { .len = count, .filter = code };
	return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)) < 0 ? -errno : 0;
}

#define ATTACH(what, fd, ...) do { \
	struct sock_filter code[] = { __VA_ARGS__ }; \
	printf("%s: %d\n", what, attach(fd, code, sizeof(code) / sizeof(*code))); \
} while (0)

static void pass(int from, int to, const char *text)
{
	char got[64];
	ssize_t sent = send(from, text, strlen(text), 0);
	ssize_t size = recv(to, got, sizeof(got), MSG_DONTWAIT);
	printf("\"%s\": sent %zd, ", text, sent);
	if (size < 0)
		printf("errno %d\n", errno);
	else
		printf("got \"%.*s\"\n", (int)size, got);
}

static void datagrams(int type, const char *name)
{
	int s[2], on = 1;
	printf("-- %s\n", name);
	socketpair(AF_UNIX, type, 0, s);
	printf("none to detach: %d\n", setsockopt(s[1], SOL_SOCKET, SO_DETACH_FILTER, &on, sizeof(on)) < 0 ? -errno : 0);
	/* what begins with "a" comes in, of "b" 2 bytes, nothing else */
	ATTACH("attach", s[1], BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 0), BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 'a', 2, 0),
	       BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 'b', 2, 0), BPF_STMT(BPF_RET | BPF_K, 0),
	       BPF_STMT(BPF_RET | BPF_K, -1), BPF_STMT(BPF_RET | BPF_K, 2));
	pass(s[0], s[1], "apple");
	pass(s[0], s[1], "banana");
	pass(s[0], s[1], "cherry");
	pass(s[1], s[0], "other way");
	/* as many bytes as the length says, divided by two: memory, X, arithmetic */
	ATTACH("another", s[1], BPF_STMT(BPF_LD | BPF_W | BPF_LEN, 0), BPF_STMT(BPF_ST, 3),
	       BPF_STMT(BPF_LDX | BPF_MEM, 3), BPF_STMT(BPF_LD | BPF_IMM, 2), BPF_STMT(BPF_MISC | BPF_TAX, 0),
	       BPF_STMT(BPF_LD | BPF_MEM, 3), BPF_STMT(BPF_ALU | BPF_DIV | BPF_X, 0), BPF_STMT(BPF_RET | BPF_A, 0));
	pass(s[0], s[1], "12345678");
	ATTACH("last byte, from X", s[1], BPF_STMT(BPF_LDX | BPF_W | BPF_LEN, 0), BPF_STMT(BPF_MISC | BPF_TXA, 0),
	       BPF_STMT(BPF_ALU | BPF_SUB | BPF_K, 1), BPF_STMT(BPF_MISC | BPF_TAX, 0),
	       BPF_STMT(BPF_LD | BPF_B | BPF_IND, 0), BPF_STMT(BPF_ALU | BPF_AND | BPF_K, 15), BPF_STMT(BPF_RET | BPF_A, 0));
	pass(s[0], s[1], "take 3");
	pass(s[0], s[1], "none 0");
	ATTACH("beyond the end", s[1], BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 100), BPF_STMT(BPF_RET | BPF_K, -1));
	pass(s[0], s[1], "lost");
	ATTACH("divides by nothing", s[1], BPF_STMT(BPF_LD | BPF_IMM, 9), BPF_STMT(BPF_LDX | BPF_IMM, 0),
	       BPF_STMT(BPF_ALU | BPF_DIV | BPF_X, 0), BPF_STMT(BPF_RET | BPF_K, -1));
	pass(s[0], s[1], "lost too");
	ATTACH("without an end", s[1], BPF_STMT(BPF_LD | BPF_IMM, 1));
	ATTACH("jumps away", s[1], BPF_STMT(BPF_JMP | BPF_JA, 5), BPF_STMT(BPF_RET | BPF_K, 0));
	ATTACH("by zero", s[1], BPF_STMT(BPF_ALU | BPF_DIV | BPF_K, 0), BPF_STMT(BPF_RET | BPF_K, 0));
	ATTACH("no such word", s[1], BPF_STMT(BPF_ST, 16), BPF_STMT(BPF_RET | BPF_K, 0));
	ATTACH("no such code", s[1], BPF_STMT(0xffff, 0), BPF_STMT(BPF_RET | BPF_K, 0));
	printf("too short: %d\n", setsockopt(s[1], SOL_SOCKET, SO_ATTACH_FILTER, &on, sizeof(on)) < 0 ? -errno : 0);
	printf("detach: %d\n", setsockopt(s[1], SOL_SOCKET, SO_DETACH_FILTER, &on, sizeof(on)) < 0 ? -errno : 0);
	pass(s[0], s[1], "everything");
	printf("lock: %d\n", setsockopt(s[1], SOL_SOCKET, SO_LOCK_FILTER, &on, sizeof(on)) < 0 ? -errno : 0);
	ATTACH("locked", s[1], BPF_STMT(BPF_RET | BPF_K, 0));
	on = 0;
	printf("unlock: %d\n", setsockopt(s[1], SOL_SOCKET, SO_LOCK_FILTER, &on, sizeof(on)) < 0 ? -errno : 0);
	close(s[0]);
	close(s[1]);
}

int main(void)
{
	int s[2];
	setbuf(stdout, NULL);
	datagrams(SOCK_DGRAM, "datagrams");
	datagrams(SOCK_SEQPACKET, "packets");
	socketpair(AF_UNIX, SOCK_STREAM, 0, s);
	ATTACH("a stream", s[1], BPF_STMT(BPF_RET | BPF_K, 0));
	pass(s[0], s[1], "is not filtered");
	return 0;
}
