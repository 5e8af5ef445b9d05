/* A program of bpf(2) that runs at samples of perf_event_open(2), and says which are told. */
#include <linux/bpf_perf_event.h>
#include <linux/perf_event.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <time.h>
#include "bpf.h"

static void burn(int ms)
{
	struct timespec start, now;
	clock_gettime(CLOCK_MONOTONIC, &start);
	do {
		clock_gettime(CLOCK_MONOTONIC, &now);
	} while ((now.tv_sec - start.tv_sec) * 1000 + (now.tv_nsec - start.tv_nsec) / 1000000 < ms);
}

static int event_of(unsigned long period)
{
	struct perf_event_attr attr = { .type = PERF_TYPE_SOFTWARE, .size = sizeof(attr),
					.config = PERF_COUNT_SW_TASK_CLOCK, .sample_period = period,
					.sample_type = PERF_SAMPLE_TID, .disabled = 1 };
	return syscall(SYS_perf_event_open, &attr, 0, -1, -1, PERF_FLAG_FD_CLOEXEC);
}

int main(void)
{
	setbuf(stdout, NULL);
	int map = map_of(BPF_MAP_TYPE_ARRAY, 4, 16, 1, BPF_F_MMAPABLE, 0);
	uint64_t *seen = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, map, 0);
	struct bpf_insn code[] = {
		COPY(6, 1), PUT(BPF_W, 10, -4, 0), COPY(2, 10), ALU(BPF_ADD, 2, -4), MAP(1, map),
		CALL(BPF_FUNC_map_lookup_elem), JUMP(BPF_JNE, 0, 0, 2), MOV(0, 0), EXIT,
		MOV(1, 1), OP(BPF_STX | BPF_ATOMIC | BPF_DW, 0, 1, 0, BPF_ADD),
		LOAD(BPF_DW, 1, 6, offsetof(struct bpf_perf_event_data, sample_period)), STORE(BPF_DW, 0, 1, 8), MOV(0, 0), EXIT,
	};
	int program = program_of(BPF_PROG_TYPE_PERF_EVENT, code, COUNT(code), 1);
	printf("loaded: %d\n", program >= 0 ? 0 : program);
	if (program < 0)
		puts(bpf_log);
	int event = event_of(2000000);
	printf("event: %d\n", event >= 0);
	char *ring = mmap(NULL, 2 * 4096, PROT_READ | PROT_WRITE, MAP_SHARED, event, 0);
	printf("mapped: %d\n", ring != MAP_FAILED);
	printf("attach: %d\n", ioctl(event, PERF_EVENT_IOC_SET_BPF, program));
	printf("attach again: %d\n", ioctl(event, PERF_EVENT_IOC_SET_BPF, program) < 0 ? -errno : 0);
	ioctl(event, PERF_EVENT_IOC_ENABLE, 0);
	for (int i = 0; i < 150 && seen[0] <= 2; i++) /* a busy host may give 100 ms to others */
		burn(100);
	ioctl(event, PERF_EVENT_IOC_DISABLE, 0);
	struct perf_event_mmap_page *page = (void *)ring;
	printf("the program saw samples: %d\n", seen[0] > 2);
	printf("their period: %llu\n", (unsigned long long)seen[1]);
	printf("nobody else did: %llu\n", (unsigned long long)page->data_head);
	uint64_t before = seen[0];
	close(event);
	munmap(ring, 2 * 4096);
	burn(20);
	printf("none after the end: %d\n", seen[0] == before);
	return 0;
}
