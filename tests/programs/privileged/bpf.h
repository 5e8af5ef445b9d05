/* bpf(2) in few words, for the programs beside this file. */
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define WORDS(...) (uint64_t)(unsigned long)(__VA_ARGS__)

static long bpf(int command, union bpf_attr *attr)
{
	long result = syscall(SYS_bpf, command, attr, sizeof(*attr));
	return result < 0 ? -errno : result;
}

static int map_of(int type, int key, int value, int entries, int flags, int inner)
{
	union bpf_attr a = { .map_type = type, .key_size = key, .value_size = value,
			     .max_entries = entries, .map_flags = flags, .inner_map_fd = inner };
	return bpf(BPF_MAP_CREATE, &a);
}

static long element(int command, int fd, const void *key, void *value, long flags)
{
	union bpf_attr a = { .map_fd = fd, .key = WORDS(key), .value = WORDS(value), .flags = flags };
	return bpf(command, &a);
}

#define LOOKUP(fd, key, value) element(BPF_MAP_LOOKUP_ELEM, fd, key, value, 0)
#define UPDATE(fd, key, value, flags) element(BPF_MAP_UPDATE_ELEM, fd, key, value, flags)
#define DELETE(fd, key) element(BPF_MAP_DELETE_ELEM, fd, key, 0, 0)
#define NEXT(fd, key, next) element(BPF_MAP_GET_NEXT_KEY, fd, key, next, 0)
#define TAKE(fd, key, value) element(BPF_MAP_LOOKUP_AND_DELETE_ELEM, fd, key, value, 0)

static char bpf_log[1 << 16];

static int program_of(int type, struct bpf_insn *code, int count, int level)
{
	union bpf_attr a = { .prog_type = type, .insn_cnt = count, .insns = WORDS(code),
			     .license = WORDS("GPL") };
	if (level) {
		a.log_level = level;
		a.log_buf = WORDS(bpf_log);
		a.log_size = sizeof(bpf_log);
	}
	bpf_log[0] = 0;
	return bpf(BPF_PROG_LOAD, &a);
}

/* Runs a socket filter over a packet; returns what it returned. */
static long run(int fd, void *packet, int size)
{
	union bpf_attr a = { 0 };
	a.test.prog_fd = fd;
	a.test.data_in = WORDS(packet);
	a.test.data_size_in = size;
	long result = bpf(BPF_PROG_TEST_RUN, &a);
	return result < 0 ? result : (long)a.test.retval;
}

#define OP(code_, dst, src, off_, imm_) \
	((struct bpf_insn){ .code = (code_), .dst_reg = (dst), .src_reg = (src), .off = (off_), .imm = (imm_) })
#define MOV(dst, imm) OP(BPF_ALU64 | BPF_MOV | BPF_K, dst, 0, 0, imm)
#define COPY(dst, src) OP(BPF_ALU64 | BPF_MOV | BPF_X, dst, src, 0, 0)
#define ALU(op, dst, imm) OP(BPF_ALU64 | (op) | BPF_K, dst, 0, 0, imm)
#define ALUX(op, dst, src) OP(BPF_ALU64 | (op) | BPF_X, dst, src, 0, 0)
#define LOAD(size, dst, src, off) OP(BPF_LDX | BPF_MEM | (size), dst, src, off, 0)
#define STORE(size, dst, src, off) OP(BPF_STX | BPF_MEM | (size), dst, src, off, 0)
#define PUT(size, dst, off, imm) OP(BPF_ST | BPF_MEM | (size), dst, 0, off, imm)
#define JUMP(op, dst, imm, off) OP(BPF_JMP | (op) | BPF_K, dst, 0, off, imm)
#define MAP(dst, fd) OP(BPF_LD | BPF_IMM | BPF_DW, dst, BPF_PSEUDO_MAP_FD, 0, fd), OP(0, 0, 0, 0, 0)
#define FUNCTION(dst, off) OP(BPF_LD | BPF_IMM | BPF_DW, dst, BPF_PSEUDO_FUNC, 0, off), OP(0, 0, 0, 0, 0)
#define CALL(number) OP(BPF_JMP | BPF_CALL, 0, 0, 0, number)
#define EXIT OP(BPF_JMP | BPF_EXIT, 0, 0, 0, 0)
#define COUNT(code) (int)(sizeof(code) / sizeof(*(code)))
