/* Programs of bpf(2): what is let in, what they return, and what they share with processes. */
#include <linux/perf_event.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include "bpf.h"

static char packet[64];

static void show(const char *what, long result)
{
	printf("%s: %ld\n", what, result);
}

static int filter(struct bpf_insn *code, int count)
{
	return program_of(BPF_PROG_TYPE_SOCKET_FILTER, code, count, 0);
}

#define RUN(what, ...) do { \
	struct bpf_insn code[] = { __VA_ARGS__ }; \
	int fd = filter(code, COUNT(code)); \
	printf("%s: %ld\n", what, fd < 0 ? fd : run(fd, packet, sizeof(packet))); \
	if (fd >= 0) close(fd); \
} while (0)

static void what_is_let_in(void)
{
	RUN("returns 7", MOV(0, 7), EXIT);
	RUN("returns nothing", EXIT);
	RUN("reads what is not there", COPY(0, 2), EXIT);
	RUN("never ends", MOV(0, 0), JUMP(BPF_JA, 0, 0, -1), EXIT);
	RUN("is not reached", MOV(0, 0), EXIT, MOV(0, 1), EXIT);
	RUN("runs over the end", MOV(0, 0));
	RUN("jumps away", MOV(0, 0), JUMP(BPF_JEQ, 0, 0, 5), EXIT);
	RUN("divides by zero", MOV(0, 1), ALU(BPF_DIV, 0, 0), EXIT);
	RUN("shifts too far", MOV(0, 1), ALU(BPF_LSH, 0, 64), EXIT);
	RUN("writes beyond the stack", PUT(BPF_DW, 10, -520, 0), MOV(0, 0), EXIT);
	RUN("writes above the stack", PUT(BPF_DW, 10, 0, 0), MOV(0, 0), EXIT);
	RUN("writes across words", PUT(BPF_DW, 10, -12, 0), MOV(0, 0), EXIT);
	RUN("changes the frame pointer", MOV(10, 0), MOV(0, 0), EXIT);
	RUN("reads through a number", MOV(1, 8), LOAD(BPF_W, 0, 1, 0), EXIT);
	RUN("writes into the context", PUT(BPF_W, 1, 0, 0), MOV(0, 0), EXIT);
	RUN("writes a field that it may", MOV(2, 9), STORE(BPF_W, 1, 2, 48), LOAD(BPF_W, 0, 1, 48), EXIT);
	RUN("reads a field that it must not", LOAD(BPF_W, 0, 1, 76), EXIT);
	RUN("reads between fields", LOAD(BPF_W, 0, 1, 2), EXIT);
	RUN("reads the length", LOAD(BPF_W, 0, 1, 0), EXIT);
	RUN("calls what is not there", CALL(9999), EXIT);
	RUN("calls what it must not", CALL(BPF_FUNC_xdp_adjust_head), EXIT);
	RUN("no such instruction", OP(0xff, 0, 0, 0, 0), EXIT);
	RUN("no such register", MOV(11, 0), EXIT);
	RUN("reserved field", OP(BPF_ALU64 | BPF_MOV | BPF_K, 0, 1, 0, 0), EXIT);
}

static void arithmetic(void)
{
	RUN("loop", MOV(0, 0), MOV(1, 0), ALUX(BPF_ADD, 0, 1), ALU(BPF_ADD, 1, 1),
	    JUMP(BPF_JLT, 1, 100, -3), EXIT);
	RUN("negative division", MOV(0, -7), OP(BPF_ALU64 | BPF_DIV | BPF_K, 0, 0, 1, 2), EXIT);
	RUN("negative remainder", MOV(0, -7), OP(BPF_ALU64 | BPF_MOD | BPF_K, 0, 0, 1, 3), EXIT);
	RUN("division by a zero register", MOV(0, 5), MOV(1, 0), ALUX(BPF_DIV, 0, 1), EXIT);
	RUN("remainder of a zero register", MOV(0, 5), MOV(1, 0), ALUX(BPF_MOD, 0, 1), EXIT);
	RUN("32 bits wrap", MOV(0, -1), OP(BPF_ALU | BPF_ADD | BPF_K, 0, 0, 0, 1), EXIT);
	RUN("byte order", MOV(0, 0x1234), OP(BPF_ALU | BPF_END | BPF_TO_BE, 0, 0, 0, 16), EXIT);
	RUN("swap", MOV(0, 0x11223344), OP(BPF_ALU64 | BPF_END, 0, 0, 0, 32), EXIT);
	RUN("sign extension", MOV(1, 0x80), OP(BPF_ALU64 | BPF_MOV | BPF_X, 0, 1, 8, 0), EXIT);
	RUN("fetch and add", PUT(BPF_DW, 10, -8, 40), MOV(0, 2),
	    OP(BPF_STX | BPF_ATOMIC | BPF_DW, 10, 0, -8, BPF_ADD | BPF_FETCH), LOAD(BPF_DW, 1, 10, -8),
	    ALUX(BPF_ADD, 0, 1), EXIT);
	RUN("compare and exchange", PUT(BPF_DW, 10, -8, 40), MOV(0, 40), MOV(1, 5),
	    OP(BPF_STX | BPF_ATOMIC | BPF_DW, 10, 1, -8, BPF_CMPXCHG), LOAD(BPF_DW, 0, 10, -8), EXIT);
	RUN("a byte of the packet", COPY(6, 1), OP(BPF_LD | BPF_ABS | BPF_B, 0, 0, 0, 3), EXIT);
	RUN("beyond the packet", COPY(6, 1), OP(BPF_LD | BPF_ABS | BPF_W, 0, 0, 0, 60), MOV(0, 9), EXIT);
	RUN("a word at a register", COPY(6, 1), MOV(7, 4), OP(BPF_LD | BPF_IND | BPF_W, 0, 7, 0, 2), EXIT);
	RUN("a function", MOV(1, 20), MOV(2, 22), OP(BPF_JMP | BPF_CALL, 0, BPF_PSEUDO_CALL, 0, 1), EXIT,
	    COPY(0, 1), ALUX(BPF_ADD, 0, 2), EXIT);
	RUN("a function that calls itself", MOV(1, 1), OP(BPF_JMP | BPF_CALL, 0, BPF_PSEUDO_CALL, 0, 1),
	    EXIT, OP(BPF_JMP | BPF_CALL, 0, BPF_PSEUDO_CALL, 0, -1), EXIT);
	RUN("bpf_loop without types", PUT(BPF_DW, 10, -8, 0), MOV(1, 10), FUNCTION(2, 7), COPY(3, 10), ALU(BPF_ADD, 3, -8),
	    MOV(4, 0), CALL(BPF_FUNC_loop), LOAD(BPF_DW, 0, 10, -8), EXIT,
	    LOAD(BPF_DW, 0, 2, 0), ALUX(BPF_ADD, 0, 1), STORE(BPF_DW, 2, 0, 0), MOV(0, 0), EXIT);
}

static void maps(void)
{
	int array = map_of(BPF_MAP_TYPE_ARRAY, 4, 16, 4, 0, 0);
	int hash = map_of(BPF_MAP_TYPE_HASH, 4, 8, 4, 0, 0);
	int queue = map_of(BPF_MAP_TYPE_QUEUE, 0, 8, 4, 0, 0);
	uint64_t value[2] = { 0 };
	uint32_t key = 1;
#define FIND(fd) PUT(BPF_W, 10, -4, 1), COPY(2, 10), ALU(BPF_ADD, 2, -4), MAP(1, fd), CALL(BPF_FUNC_map_lookup_elem)
	RUN("forgets to check", FIND(array), LOAD(BPF_DW, 0, 0, 0), EXIT);
	RUN("looks up", FIND(array), JUMP(BPF_JEQ, 0, 0, 3), MOV(1, 77), STORE(BPF_DW, 0, 1, 8),
	    LOAD(BPF_DW, 0, 0, 8), EXIT);
	show("the process sees it", LOOKUP(array, &key, value));
	printf("%llu\n", (unsigned long long)value[1]);
	RUN("beyond the value", FIND(array), JUMP(BPF_JEQ, 0, 0, 1), LOAD(BPF_DW, 0, 0, 16), MOV(0, 0), EXIT);
	RUN("not there", FIND(hash), JUMP(BPF_JNE, 0, 0, 1), MOV(0, 55), EXIT);
	RUN("index that may be too large", COPY(6, 1), LOAD(BPF_W, 7, 6, 48), FIND(array),
	    JUMP(BPF_JEQ, 0, 0, 2), ALUX(BPF_ADD, 0, 7), LOAD(BPF_B, 0, 0, 0), MOV(0, 0), EXIT);
	RUN("index that is checked", COPY(6, 1), LOAD(BPF_W, 7, 6, 48), FIND(array), JUMP(BPF_JEQ, 0, 0, 3),
	    JUMP(BPF_JGT, 7, 15, 2), ALUX(BPF_ADD, 0, 7), LOAD(BPF_B, 0, 0, 0), MOV(0, 3), EXIT);
	RUN("updates", PUT(BPF_W, 10, -4, 9), PUT(BPF_DW, 10, -16, 123), COPY(2, 10), ALU(BPF_ADD, 2, -4),
	    COPY(3, 10), ALU(BPF_ADD, 3, -16), MOV(4, BPF_NOEXIST), MAP(1, hash),
	    CALL(BPF_FUNC_map_update_elem), EXIT);
	key = 9;
	show("the process sees it", LOOKUP(hash, &key, value));
	printf("%llu\n", (unsigned long long)value[0]);
	RUN("pushes", PUT(BPF_DW, 10, -8, 31), COPY(2, 10), ALU(BPF_ADD, 2, -8), MOV(3, 0), MAP(1, queue),
	    CALL(BPF_FUNC_map_push_elem), EXIT);
	RUN("looks up in a queue", FIND(queue), MOV(0, 0), EXIT);
	show("the process pops", TAKE(queue, NULL, value));
	printf("%llu\n", (unsigned long long)value[0]);
	close(array);
	close(hash);
	close(queue);
}

static void nested(void)
{
	int inner = map_of(BPF_MAP_TYPE_ARRAY, 4, 8, 1, 0, 0);
	int outer = map_of(BPF_MAP_TYPE_ARRAY_OF_MAPS, 4, 4, 2, 0, inner);
	int programs = map_of(BPF_MAP_TYPE_PROG_ARRAY, 4, 4, 4, 0, 0);
	uint32_t key = 1;
	uint64_t value = 99;
	UPDATE(inner, &(uint32_t){ 0 }, &value, 0);
	show("inner map", UPDATE(outer, &key, &inner, 0));
	RUN("value of an inner map", FIND(outer), JUMP(BPF_JEQ, 0, 0, 7), COPY(1, 0), PUT(BPF_W, 10, -4, 0),
	    COPY(2, 10), ALU(BPF_ADD, 2, -4), CALL(BPF_FUNC_map_lookup_elem), JUMP(BPF_JEQ, 0, 0, 1),
	    LOAD(BPF_DW, 0, 0, 0), EXIT);
	struct bpf_insn last[] = { MOV(0, 41), EXIT };
	int fd = filter(last, COUNT(last));
	show("put a program", UPDATE(programs, &key, &fd, 0));
	RUN("tail call", MAP(2, programs), MOV(3, 1), CALL(BPF_FUNC_tail_call), MOV(0, 1), EXIT);
	RUN("tail call to nothing", MAP(2, programs), MOV(3, 2), CALL(BPF_FUNC_tail_call), MOV(0, 1), EXIT);
	struct bpf_insn other[] = { MOV(0, 41), EXIT };
	int tracer = program_of(BPF_PROG_TYPE_RAW_TRACEPOINT, other, COUNT(other), 0);
	show("a program of another type", UPDATE(programs, &key, &tracer, 0));
	show("remove it", DELETE(programs, &key));
	close(programs);
}

static void ring(void)
{
	int fd = map_of(BPF_MAP_TYPE_RINGBUF, 0, 0, 4096, 0, 0);
	uint64_t *position = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	uint64_t *data = mmap(NULL, 3 * 4096, PROT_READ, MAP_SHARED, fd, 4096);
	printf("mapped: %d %d\n", position != MAP_FAILED, data != MAP_FAILED);
	printf("data cannot be written: %d\n",
	       mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 8192) == MAP_FAILED);
	printf("nor later: %d\n", mprotect(data, 4096, PROT_READ | PROT_WRITE));
	RUN("keeps a record", MAP(1, fd), MOV(2, 16), MOV(3, 0), CALL(BPF_FUNC_ringbuf_reserve),
	    JUMP(BPF_JEQ, 0, 0, 0), MOV(0, 0), EXIT);
	RUN("submits", MAP(1, fd), MOV(2, 16), MOV(3, 0), CALL(BPF_FUNC_ringbuf_reserve),
	    JUMP(BPF_JNE, 0, 0, 2), MOV(0, 1), EXIT, PUT(BPF_DW, 0, 0, 1001), PUT(BPF_DW, 0, 8, 1002),
	    COPY(1, 0), MOV(2, 0), CALL(BPF_FUNC_ringbuf_submit), MOV(0, 0), EXIT);
	RUN("discards", MAP(1, fd), MOV(2, 8), MOV(3, 0), CALL(BPF_FUNC_ringbuf_reserve),
	    JUMP(BPF_JNE, 0, 0, 2), MOV(0, 1), EXIT, COPY(1, 0), MOV(2, 0), CALL(BPF_FUNC_ringbuf_discard),
	    MOV(0, 0), EXIT);
	RUN("puts out", PUT(BPF_DW, 10, -8, 2001), COPY(2, 10), ALU(BPF_ADD, 2, -8), MOV(3, 8), MOV(4, 0),
	    MAP(1, fd), CALL(BPF_FUNC_ringbuf_output), EXIT);
	RUN("uses it after the end", MAP(1, fd), MOV(2, 8), MOV(3, 0), CALL(BPF_FUNC_ringbuf_reserve),
	    JUMP(BPF_JNE, 0, 0, 2), MOV(0, 1), EXIT, COPY(6, 0), COPY(1, 0), MOV(2, 0),
	    CALL(BPF_FUNC_ringbuf_submit), PUT(BPF_DW, 6, 0, 1), MOV(0, 0), EXIT);
	printf("position %llu\n", (unsigned long long)data[0]);
	uint64_t *record = data + 512;
	for (uint64_t at = 0; at < data[0];) {
		uint32_t length = *(uint32_t *)((char *)record + at);
		printf("record of %u%s: %llu\n", length & 0x3fffffff, length >> 30 & 1 ? " discarded" : "",
		       (unsigned long long)(length >> 30 & 1 ? 0 : *(uint64_t *)((char *)record + at + 8)));
		at += ((length & 0x3fffffff) + 8 + 7) / 8 * 8;
	}
	position[0] = data[0];
	RUN("what is left", MAP(1, fd), MOV(2, BPF_RB_AVAIL_DATA), CALL(BPF_FUNC_ringbuf_query), EXIT);
	RUN("fills", MOV(6, 0), MAP(1, fd), MOV(2, 1000), MOV(3, 0), CALL(BPF_FUNC_ringbuf_reserve),
	    JUMP(BPF_JEQ, 0, 0, 5), COPY(1, 0), MOV(2, 0), CALL(BPF_FUNC_ringbuf_submit), ALU(BPF_ADD, 6, 1),
	    JUMP(BPF_JLT, 6, 9, -11), COPY(0, 6), EXIT);
	close(fd);
}

static void calls_of_mine(void)
{
	int counts = map_of(BPF_MAP_TYPE_ARRAY, 4, 8, 1, BPF_F_MMAPABLE, 0);
	uint64_t *count = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, counts, 0);
	struct bpf_insn code[] = {
		COPY(6, 1),
		CALL(BPF_FUNC_get_current_pid_tgid),
		ALU(BPF_RSH, 0, 32),
		JUMP(BPF_JNE, 0, getpid(), 8),
		LOAD(BPF_DW, 7, 6, 8),
		JUMP(BPF_JNE, 7, SYS_getppid, 6),
		OP(BPF_LD | BPF_IMM | BPF_DW, 1, BPF_PSEUDO_MAP_VALUE, 0, counts), OP(0, 0, 0, 0, 0),
		MOV(2, 1),
		OP(BPF_STX | BPF_ATOMIC | BPF_DW, 1, 2, 0, BPF_ADD),
		MOV(0, 0), EXIT,
		MOV(0, 0), EXIT,
	};
	int fd = program_of(BPF_PROG_TYPE_RAW_TRACEPOINT, code, COUNT(code), 0);
	printf("loaded: %d\n", fd >= 0);
	union bpf_attr a = { 0 };
	a.raw_tracepoint.name = WORDS("no_such_point");
	a.raw_tracepoint.prog_fd = fd;
	show("no such point", bpf(BPF_RAW_TRACEPOINT_OPEN, &a));
	a.raw_tracepoint.name = WORDS("sys_enter");
	int link = bpf(BPF_RAW_TRACEPOINT_OPEN, &a);
	if (link < 0) {
		show("link", link);
		return;
	}
	for (int i = 0; i < 10; i++)
		syscall(SYS_getppid);
	printf("counted %llu\n", (unsigned long long)*count);
	close(link);
	syscall(SYS_getppid);
	printf("afterwards %llu\n", (unsigned long long)*count);
}

static void names(void)
{
	int fd = map_of(BPF_MAP_TYPE_ARRAY, 4, 8, 1, 0, 0), again;
	uint64_t value = 64;
	mkdir("fs", 0700);
	show("mount", mount("bpf", "fs", "bpf", 0, NULL));
	union bpf_attr a = { .pathname = WORDS("fs/map"), .bpf_fd = fd };
	show("pin", bpf(BPF_OBJ_PIN, &a));
	show("pin again", bpf(BPF_OBJ_PIN, &a));
	a.pathname = WORDS("elsewhere");
	show("pin elsewhere", bpf(BPF_OBJ_PIN, &a));
	a.pathname = WORDS("fs/with.dot");
	show("pin with a dot", bpf(BPF_OBJ_PIN, &a));
	show("make a file", open("fs/file", O_CREAT | O_RDWR, 0600) < 0 ? -errno : 0);
	show("open a pin", open("fs/map", O_RDONLY) < 0 ? -errno : 0);
	UPDATE(fd, &(uint32_t){ 0 }, &value, 0);
	close(fd);
	union bpf_attr g = { .pathname = WORDS("fs/map") };
	again = bpf(BPF_OBJ_GET, &g);
	value = 0;
	show("lookup", LOOKUP(again, &(uint32_t){ 0 }, &value));
	printf("%llu\n", (unsigned long long)value);
	g.file_flags = BPF_F_RDONLY;
	again = bpf(BPF_OBJ_GET, &g);
	show("write through a reader", UPDATE(again, &(uint32_t){ 0 }, &value, 0));
	show("unlink", unlink("fs/map"));
	struct stat st;
	show("stat", stat("fs/map", &st) < 0 ? -errno : 0);
	show("unmount", umount("fs"));
}

int main(void)
{
	setbuf(stdout, NULL);
	for (unsigned i = 0; i < sizeof(packet); i++)
		packet[i] = i;
	what_is_let_in();
	arithmetic();
	maps();
	nested();
	ring();
	calls_of_mine();
	names();
	return 0;
}
