/* Programs for the verifier as clang writes them; tests/kernel/bpf/test_clang.py loads them. */
#include <linux/bpf.h>
#include <stddef.h>
#define SEC(name) __attribute__((section(name), used))
#define NOINLINE __attribute__((noinline))
#define HELPER(result, name, number, ...) static result (*const name)(__VA_ARGS__) = (void *)number

HELPER(void *, lookup, 1, void *map, const void *key);
HELPER(long, update, 2, void *map, const void *key, const void *value, __u64 flags);
HELPER(__u64, pid_tgid, 14, void);
HELPER(long, load_bytes, 26, const void *skb, __u32 offset, void *to, __u32 size);
HELPER(void *, reserve, 131, void *ring, __u64 size, __u64 flags);
HELPER(void, submit, 132, void *record, __u64 flags);
HELPER(long, loop, 181, __u32 times, void *callback, void *context, __u64 flags);
HELPER(long, read_user_str, 114, void *to, __u32 size, const void *from);

/* The loader knows what each of these is. */
extern char counts, array, ring;

const volatile __u32 limit = 20;
static volatile __u64 total;

/* Sums up the bytes of a packet, as an IP checksum does. */
SEC("socket/checksum")
int checksum(struct __sk_buff *skb)
{
	__u32 sum = 0;
	for (int at = 0; at + 2 <= 40; at += 2) {
		__u16 word;
		if (load_bytes(skb, at, &word, sizeof(word)) < 0)
			break;
		sum += __builtin_bswap16(word);
	}
	sum = (sum & 0xffff) + (sum >> 16);
	return (__u16)~((sum & 0xffff) + (sum >> 16));
}

/* Counts letters in an array on the stack, at offsets that nobody knows. */
SEC("socket/letters")
int letters(struct __sk_buff *skb)
{
	__u8 seen[16] = {}, most = 0;
	for (int at = 0; at < 24; at++) {
		__u8 byte = 0;
		if (load_bytes(skb, at, &byte, 1))
			break;
		seen[byte & 15]++;
	}
	for (int i = 0; i < 16; i++)
		if (seen[i] > most)
			most = seen[i];
	return most;
}

static NOINLINE int weigh(__u64 one, __u64 two)
{
	total += one * two;
	return one > two ? one - two : two - one;
}

/* Functions, and data that a process may look at. */
SEC("socket/functions")
int functions(struct __sk_buff *skb)
{
	int sum = 0;
	for (__u32 i = 0; i < limit; i++)
		sum += weigh(i, skb->len);
	return sum;
}

struct turn {
	__u64 sum;
	__u32 last;
};

static long each(__u32 index, struct turn *turn)
{
	turn->sum += index;
	turn->last = index;
	return index == 30;
}

SEC("socket/loops")
int loops(struct __sk_buff *skb)
{
	struct turn turn = {};
	long turns = loop(100, each, &turn, 0);
	return turn.sum * 1000 + turns;
}

struct key {
	__u32 pid;
	__u16 length;
	char first;
};

/* Nested conditions around maps and a ring buffer. */
SEC("socket/records")
int records(struct __sk_buff *skb)
{
	struct key key = { .pid = pid_tgid() >> 32, .length = skb->len };
	__u32 place = skb->len & 7, zero = 0;
	__u64 one = 1, *count = lookup(&counts, &key), *slot;
	if (count)
		__sync_fetch_and_add(count, 1);
	else if (update(&counts, &key, &one, BPF_NOEXIST))
		return -1;
	slot = lookup(&array, &zero);
	if (slot)
		slot[place] += 3;
	struct { __u64 a; char text[24]; } *record = reserve(&ring, sizeof(*record), 0);
	if (!record)
		return -2;
	record->a = place;
	if (load_bytes(skb, 0, record->text, sizeof(record->text)) < 0)
		record->text[0] = '?';
	submit(record, 0);
	return place;
}

/* A length that a helper returns is used as one, after a check. */
SEC("raw_tp/text")
int text(__u64 *arguments)
{
	char name[64];
	long size = read_user_str(name, sizeof(name), (void *)arguments[0]);
	if (size < 1)
		return 0;
	int spaces = 0;
	for (int i = 0; i < 64; i++) {
		if (i >= size)
			break;
		if (name[i] == ' ')
			spaces++;
	}
	return spaces * 100 + size;
}
