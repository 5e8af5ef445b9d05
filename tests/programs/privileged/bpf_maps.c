/* Maps of bpf(2) of every kind: what they take, refuse, return, and in which order. */
#include "bpf.h"

static void show(const char *what, long result)
{
	printf("%s: %ld\n", what, result);
}

static void shapes(void)
{
	show("hash without key", map_of(BPF_MAP_TYPE_HASH, 0, 8, 1, 0, 0));
	show("hash without value", map_of(BPF_MAP_TYPE_HASH, 4, 0, 1, 0, 0));
	show("hash of nothing", map_of(BPF_MAP_TYPE_HASH, 4, 8, 0, 0, 0));
	show("array with long keys", map_of(BPF_MAP_TYPE_ARRAY, 8, 8, 1, 0, 0));
	show("array with unknown flags", map_of(BPF_MAP_TYPE_ARRAY, 4, 8, 1, 1, 0));
	show("lru that grows", map_of(BPF_MAP_TYPE_LRU_HASH, 4, 8, 1, BPF_F_NO_PREALLOC, 0));
	show("trie without its flag", map_of(BPF_MAP_TYPE_LPM_TRIE, 8, 8, 1, 0, 0));
	show("trie with short keys", map_of(BPF_MAP_TYPE_LPM_TRIE, 4, 8, 1, 1, 0));
	show("odd ring", map_of(BPF_MAP_TYPE_RINGBUF, 0, 0, 4097, 0, 0));
	show("ring with keys", map_of(BPF_MAP_TYPE_RINGBUF, 4, 0, 4096, 0, 0));
	show("queue with keys", map_of(BPF_MAP_TYPE_QUEUE, 4, 8, 1, 0, 0));
	show("stack trace of 12 bytes", map_of(BPF_MAP_TYPE_STACK_TRACE, 4, 12, 1, 0, 0));
	show("programs of 8 bytes", map_of(BPF_MAP_TYPE_PROG_ARRAY, 4, 8, 1, 0, 0));
	show("maps of no map", map_of(BPF_MAP_TYPE_ARRAY_OF_MAPS, 4, 4, 1, 0, 99));
	show("unknown type", map_of(999, 4, 4, 1, 0, 0));
	show("both ways closed", map_of(BPF_MAP_TYPE_HASH, 4, 8, 1, BPF_F_RDONLY | BPF_F_WRONLY, 0));
	union bpf_attr a = { .map_type = BPF_MAP_TYPE_ARRAY, .key_size = 4, .value_size = 4,
			     .max_entries = 1, .map_name = "bad name" };
	show("name with a space", bpf(BPF_MAP_CREATE, &a));
}

static void array(void)
{
	int fd = map_of(BPF_MAP_TYPE_ARRAY, 4, 8, 3, 0, 0);
	uint32_t key = 1, next;
	uint64_t value = 7;
	show("array update", UPDATE(fd, &key, &value, BPF_ANY));
	show("array noexist", UPDATE(fd, &key, &value, BPF_NOEXIST));
	show("array exist", UPDATE(fd, &key, &value, BPF_EXIST));
	show("array odd flag", UPDATE(fd, &key, &value, 3));
	show("array lock", UPDATE(fd, &key, &value, BPF_F_LOCK));
	show("array delete", DELETE(fd, &key));
	show("array take", TAKE(fd, &key, &value));
	key = 3;
	show("array beyond", UPDATE(fd, &key, &value, BPF_ANY));
	show("array lookup beyond", LOOKUP(fd, &key, &value));
	show("array null key", LOOKUP(fd, NULL, &value));
	show("array bad value", LOOKUP(fd, &(uint32_t){ 1 }, (void *)8));
	uint32_t *at = NULL;
	while (!NEXT(fd, at, &next)) {
		printf("array key %u\n", next);
		key = next;
		at = &key;
	}
	key = 17;
	show("array next of none", NEXT(fd, &key, &next));
	printf("array wraps to %u\n", next);
	show("array freeze", element(BPF_MAP_FREEZE, fd, 0, 0, 0));
	show("array frozen", UPDATE(fd, &(uint32_t){ 1 }, &value, BPF_ANY));
	show("array freeze again", element(BPF_MAP_FREEZE, fd, 0, 0, 0));
	show("array read", LOOKUP(fd, &(uint32_t){ 1 }, &value));
	printf("array value %llu\n", (unsigned long long)value);
	close(fd);
}

static void hash(int type, int flags, const char *name)
{
	int fd = map_of(type, 4, 8, 2, flags, 0);
	uint32_t key = 1, next;
	uint64_t value = 11;
	printf("-- %s\n", name);
	show("exist", UPDATE(fd, &key, &value, BPF_EXIST));
	show("noexist", UPDATE(fd, &key, &value, BPF_NOEXIST));
	show("noexist again", UPDATE(fd, &key, &value, BPF_NOEXIST));
	show("odd flag", UPDATE(fd, &key, &value, 9));
	show("lookup", LOOKUP(fd, &key, &value));
	key = 2;
	show("lookup of none", LOOKUP(fd, &key, &value));
	show("delete of none", DELETE(fd, &key));
	show("take of none", TAKE(fd, &key, &value));
	value = 22;
	show("second", UPDATE(fd, &key, &value, BPF_ANY));
	show("take", TAKE(fd, &key, &value));
	printf("taken %llu\n", (unsigned long long)value);
	show("next", NEXT(fd, NULL, &next));
	printf("key %u\n", next);
	show("next of none", NEXT(fd, &key, &next));
	show("next of last", NEXT(fd, &next, &next));
	if (type == BPF_MAP_TYPE_HASH) {
		show("fill", UPDATE(fd, &(uint32_t){ 5 }, &value, 0));
		show("full", UPDATE(fd, &(uint32_t){ 6 }, &value, 0));
		show("full, but there", UPDATE(fd, &(uint32_t){ 5 }, &value, 0));
	}
	close(fd);
}

struct prefix {
	uint32_t length;
	uint8_t data[4];
};

static void trie(void)
{
	static const struct prefix all[] = {
		{ 8, { 10 } }, { 16, { 10, 1 } }, { 0, { 0 } }, { 32, { 10, 1, 2, 3 } }, { 9, { 10, 128 } },
	};
	int fd = map_of(BPF_MAP_TYPE_LPM_TRIE, sizeof(struct prefix), 4, 5, BPF_F_NO_PREALLOC, 0);
	puts("-- trie");
	for (uint32_t i = 0; i < 5; i++)
		show("insert", UPDATE(fd, &all[i], &i, BPF_NOEXIST));
	uint32_t value = 9;
	struct prefix key = { 33, { 1 } }, next, fresh = { 24, { 1 } }, nowhere = { 32, { 9 } };
	show("too long", UPDATE(fd, &key, &value, 0));
	show("full", UPDATE(fd, &fresh, &value, 0));
	static const uint8_t wanted[][4] = { { 10, 1, 2, 3 }, { 10, 1, 9, 9 }, { 10, 200 }, { 10, 9 }, { 9 } };
	for (int i = 0; i < 5; i++) {
		key.length = 32;
		memcpy(key.data, wanted[i], 4);
		show("lookup", LOOKUP(fd, &key, &value));
		printf("found %u\n", value);
	}
	struct prefix *at = NULL;
	while (!NEXT(fd, at, &next)) {
		printf("prefix %u.%u.%u.%u/%u\n", next.data[0], next.data[1], next.data[2], next.data[3],
		       next.length);
		key = next;
		at = &key;
	}
	show("delete", DELETE(fd, &all[2]));
	show("delete again", DELETE(fd, &all[2]));
	show("nothing left for it", LOOKUP(fd, &nowhere, &value));
	show("take", TAKE(fd, &all[0], &value));
	close(fd);
}

static void queues(int type, const char *name)
{
	int fd = map_of(type, 0, 4, 2, 0, 0);
	uint32_t value;
	printf("-- %s\n", name);
	show("peek of none", LOOKUP(fd, NULL, &value));
	for (value = 1; value <= 3; value++)
		show("push", UPDATE(fd, NULL, &value, BPF_ANY));
	show("push, oldest goes", UPDATE(fd, NULL, &(uint32_t){ 4 }, BPF_EXIST));
	show("push noexist", UPDATE(fd, NULL, &value, BPF_NOEXIST));
	show("peek", LOOKUP(fd, NULL, &value));
	printf("see %u\n", value);
	show("pop", TAKE(fd, NULL, &value));
	printf("get %u\n", value);
	show("with a key", UPDATE(fd, &value, &value, 0));
	show("delete", DELETE(fd, NULL));
	show("next", NEXT(fd, NULL, &value));
	close(fd);
}

static void bloom(void)
{
	int fd = map_of(BPF_MAP_TYPE_BLOOM_FILTER, 0, 4, 100, 0, 0);
	uint32_t value = 42;
	puts("-- bloom filter");
	show("empty", LOOKUP(fd, NULL, &value));
	show("add", UPDATE(fd, NULL, &value, BPF_ANY));
	show("there", LOOKUP(fd, NULL, &value));
	show("noexist", UPDATE(fd, NULL, &value, BPF_NOEXIST));
	show("delete", DELETE(fd, NULL));
	show("take", TAKE(fd, NULL, &value));
	show("next", NEXT(fd, NULL, &value));
	close(fd);
}

static void outer(void)
{
	int inner = map_of(BPF_MAP_TYPE_HASH, 4, 8, 4, 0, 0);
	int other = map_of(BPF_MAP_TYPE_HASH, 4, 4, 4, 0, 0);
	int fd = map_of(BPF_MAP_TYPE_ARRAY_OF_MAPS, 4, 4, 2, 0, inner);
	int by_name = map_of(BPF_MAP_TYPE_HASH_OF_MAPS, 4, 4, 2, 0, inner);
	uint32_t key = 0, value;
	puts("-- maps of maps");
	show("in itself", map_of(BPF_MAP_TYPE_ARRAY_OF_MAPS, 4, 4, 2, 0, fd));
	show("insert", UPDATE(fd, &key, &inner, 0));
	show("another shape", UPDATE(fd, &key, &other, 0));
	show("no map", UPDATE(fd, &key, &(int){ 0 }, 0));
	show("lookup", LOOKUP(fd, &key, &value));
	show("empty", LOOKUP(fd, &(uint32_t){ 1 }, &value));
	show("delete", DELETE(fd, &key));
	show("delete again", DELETE(fd, &key));
	show("hash insert", UPDATE(by_name, &key, &inner, BPF_NOEXIST));
	show("hash insert again", UPDATE(by_name, &key, &inner, BPF_NOEXIST));
	show("hash lookup", LOOKUP(by_name, &key, &value));
	show("hash delete", DELETE(by_name, &key));
	show("hash empty", LOOKUP(by_name, &key, &value));
	show("no program", UPDATE(map_of(BPF_MAP_TYPE_PROG_ARRAY, 4, 4, 1, 0, 0), &key, &inner, 0));
}

static void batches(void)
{
	int fd = map_of(BPF_MAP_TYPE_ARRAY, 4, 4, 5, 0, 0);
	uint32_t keys[5] = { 0, 1, 2, 3, 4 }, values[5] = { 5, 6, 7, 8, 9 }, at = 0;
	union bpf_attr a = { 0 };
	puts("-- batches");
	a.batch.map_fd = fd;
	a.batch.keys = WORDS(keys);
	a.batch.values = WORDS(values);
	a.batch.count = 5;
	show("update", bpf(BPF_MAP_UPDATE_BATCH, &a));
	memset(values, 0, sizeof(values));
	a.batch.count = 3;
	a.batch.out_batch = WORDS(&at);
	show("lookup", bpf(BPF_MAP_LOOKUP_BATCH, &a));
	printf("%u values: %u %u %u\n", a.batch.count, values[0], values[1], values[2]);
	a.batch.in_batch = WORDS(&at);
	a.batch.count = 3;
	show("the rest", bpf(BPF_MAP_LOOKUP_BATCH, &a));
	printf("%u values: %u %u\n", a.batch.count, values[0], values[1]);
	show("delete", bpf(BPF_MAP_DELETE_BATCH, &a));
	a.batch.map_fd = map_of(BPF_MAP_TYPE_QUEUE, 0, 4, 2, 0, 0);
	show("of a queue", bpf(BPF_MAP_LOOKUP_BATCH, &a));
	close(fd);
}

int main(void)
{
	shapes();
	array();
	hash(BPF_MAP_TYPE_HASH, 0, "hash");
	hash(BPF_MAP_TYPE_HASH, BPF_F_NO_PREALLOC, "hash that grows");
	hash(BPF_MAP_TYPE_LRU_HASH, 0, "lru hash");
	trie();
	queues(BPF_MAP_TYPE_QUEUE, "queue");
	queues(BPF_MAP_TYPE_STACK, "stack");
	bloom();
	outer();
	batches();
	return 0;
}
