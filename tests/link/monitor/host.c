/* The monitor for the host: its line is standard input and output, its CPU counts.
   What it runs is one instruction: a0 += 1, then a system call; t0 asks for another trap. */
#include <poll.h>
#include <string.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "monitor.h"

enum { SIZE = 64 << 20, BASE = 0x80000000, V = 1, MAY_STORE = 2, STORES = 4, SHIFT = 8 };
struct config config = {CONFIG_MAGIC, 0, 0, 1, 24000000, 115200, 1000000, BASE, SIZE};
__asm__(".globl image_start, image_end\n.set image_start, config\n.set image_end, config");
static u8 memory[SIZE] __attribute__((aligned(4096)));
const u64 arch_pages = 1 << 26;
u32 uart_baud = 115200;
u64 uart_overruns;
static u32 baud_before;
static u64 trial_end;

void uart_init(void) {}

static void flush(u8 byte, int force) {
    static u8 held[1 << 15];
    static u32 count;
    if (!force)
        held[count++] = byte;
    if (force || count == sizeof held) {
        if (count && write(1, held, count) < 0)
            exit(1);
        count = 0;
    }
}

void uart_put(u8 byte) {
    flush(byte, 0);
}

void uart_text(const char *text) {
    while (*text)
        uart_put(*text++);
}

void uart_finish(void) {
    flush(0, 1);
}

u8 uart_get(void) {
    static u8 held[1 << 15];
    static s64 count, at;
    while (at == count) {
        struct pollfd wait = {0, POLLIN, 0};
        flush(0, 1);
        if (trial_end && arch_time() > trial_end) {
            trial_end = 0;
            uart_baud = baud_before;
        }
        if (poll(&wait, 1, 10) == 0)
            continue;
        at = 0;
        count = read(0, held, sizeof held);
        if (count <= 0)
            exit(0);
    }
    return held[at++];
}

void uart_change_baud(u32 baud) {
    flush(0, 1);
    baud_before = uart_baud;
    uart_baud = baud;
    trial_end = arch_time() + 200000;
}

void uart_trusted(void) {
    trial_end = 0;
}

void arch_init(u64 a0, u64 a1) { (void)a0, (void)a1; }
u32 arch_id(void) { return 62; }
s64 arch_hart(void) { return -1; }
u64 arch_features(void) { return 0; }
u8 *arch_memory(u64 physical) { return memory + (physical - BASE); }
/* Devices: the upper half of the memory, so that nobody stores to the monitor's own. */
u64 arch_registers(u64 physical) { return (u64)memory + SIZE / 2 + (physical & (SIZE / 2 - 4)); }
u64 arch_physical(const void *seen) {
    u64 offset = (u64)seen - (u64)memory;
    return offset < SIZE ? BASE + offset : 0x1000;
}
u64 arch_time_hz(void) { return 1000000; }
u64 arch_time(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000000 + now.tv_nsec / 1000;
}
void arch_slice(u64 ticks) { (void)ticks; }
void arch_use(struct space *space) { (void)space; }
void arch_flush(u64 vpn) { (void)vpn; }
void arch_flush_all(void) {}
void arch_sync(void) {}
void arch_reset(u32 kind) { exit(kind == RESET_REBOOT ? 3 : 4); }
void arch_new_context(struct context *context) { (void)context; }
u32 arch_argument(u32 index) { return 10 + index; }
void arch_run(struct context *context) {
    context->pc += 4;
    context->r[10]++;
}

/* t0 - 1 is the cause, t1 an address; a store is done where tables permit it. */
u32 arch_cause(struct space *space, struct context *context, u64 *address) {
    u32 cause = context->r[5] ? context->r[5] - 1 : CAUSE_SYSCALL;
    u8 *byte = tables_reach(space, context->r[6], ACCESS_WRITE);
    if (cause != CAUSE_STORE || !byte) {
        *address = cause == CAUSE_SYSCALL || cause == CAUSE_SLICE ? 0 : context->r[6];
        return cause;
    }
    for (u64 i = 0; i <= context->r[28]; i++) /* t3: so many pages more */
        tables_note_store(space, context->r[6] + i * PAGE_SIZE);
    *byte = (u8)context->r[7];
    return CAUSE_SYSCALL;
}

u32 arch_get_floating(const struct context *context, u8 *state) {
    memcpy(state, context->f, 264);
    return 264;
}

u32 arch_set_floating(struct context *context, const u8 *state, u64 size) {
    if (size != 264)
        return 0;
    memcpy(context->f, state, 264);
    return 1;
}

u64 arch_empty(int level) { (void)level; return 0; }
u64 arch_branch(u64 table) { return table | V; }
u64 arch_next(u64 entry) { return entry & -4096ul; }
u64 arch_leaf(u64 physical, u64 access) { return physical | V | access << SHIFT; }
int arch_present(u64 leaf) { return leaf & V; }
u64 arch_leaf_address(u64 leaf) { return leaf & -4096ul; }
u64 arch_leaf_access(u64 leaf) { return leaf >> SHIFT & 7; }
u64 arch_with_store(u64 leaf, int on) { return on ? leaf | STORES : leaf & ~(u64)STORES; }
void arch_root(u64 *root) { (void)root; }

int main(void) {
    monitor_main(0, 0);
}
