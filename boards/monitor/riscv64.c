/* RISC-V in S-mode under SBI, Sv39. Privileged Architecture 4.1-4.4; SBI 1.0 TIME and SRST. */
#include <stddef.h>

#include "monitor.h"

#define CSR_READ(name) ({ u64 _v; asm volatile("csrr %0, " #name : "=r"(_v)); _v; })
#define CSR_WRITE(name, value) asm volatile("csrw " #name ", %0" ::"r"(value) : "memory")

static const u64 direct_map = 0xffffffc000000000ul;
const u64 arch_pages = 1ul << 26; /* the lower half */

enum { V = 1, R = 2, W = 4, X = 8, U = 16, A = 64, D = 128, MAY_STORE = 256 }; /* page table entry */
enum { PPN_SHIFT = 10, SPP = 0x100, SIE = 2, SPIE = 0x20, FS_DIRTY = 0x6000, STIE = 0x20 };
enum { SBI_TIME = 0x54494D45, SBI_RESET = 0x53525354, REBOOT_COLD = 1 };
enum { FDT_MAGIC = 0xedfe0dd0 }; /* big endian in memory */

_Static_assert(offsetof(struct config, memory_start) == 40, "riscv64.S");
_Static_assert(offsetof(struct context, pc) == CONTEXT_PC, "context.h");
_Static_assert(offsetof(struct context, stack) == CONTEXT_STACK, "context.h");
_Static_assert(offsetof(struct context, f) == CONTEXT_F, "context.h");
_Static_assert(sizeof(struct config) == CONFIG_SIZE, "config.h");

static s64 hart = -1;
static struct space *current;

static void sbi(u64 extension, u64 function, u64 first, u64 second) {
    register u64 a0 asm("a0") = first;
    register u64 a1 asm("a1") = second;
    register u64 a6 asm("a6") = function;
    register u64 a7 asm("a7") = extension;
    asm volatile("ecall" : "+r"(a0), "+r"(a1) : "r"(a6), "r"(a7) : "memory");
}

/* Under `go` a0 is argc; only a device tree in a1 says that it was booti, and a0 a hart. */
void arch_init(u64 a0, u64 a1) {
    u64 end = config.memory_start + config.memory_size;
    CSR_WRITE(scounteren, 7ul); /* user code may read cycle, time and instret */
    if (a1 >= config.memory_start && a1 < end - 4 && !(a1 & 3) &&
        *(u32 *)arch_memory(a1) == (u32)FDT_MAGIC)
        hart = (s64)a0;
}

u32 arch_id(void) {
    return 243; /* EM_RISCV */
}

s64 arch_hart(void) {
    return hart;
}

u64 arch_features(void) {
    return 0;
}

u8 *arch_memory(u64 physical) {
    return (u8 *)(physical + direct_map);
}

u64 arch_registers(u64 physical) {
    return physical + direct_map;
}

u64 arch_physical(const void *seen) {
    return (u64)seen - direct_map;
}

u64 arch_time(void) {
    return CSR_READ(time);
}

u64 arch_time_hz(void) {
    return config.timer_hz ? config.timer_hz : 10000000;
}

void arch_slice(u64 ticks) {
    if (ticks) {
        sbi(SBI_TIME, 0, arch_time() + ticks, 0);
        asm volatile("csrs sie, %0" ::"r"((u64)STIE));
    } else
        asm volatile("csrc sie, %0" ::"r"((u64)STIE));
}

void arch_use(struct space *space) {
    if (space == current)
        return;
    current = space;
    CSR_WRITE(satp, 8ul << 60 | arch_physical(space->root) >> PAGE_SHIFT);
    arch_flush_all();
}

/* Everything: with an address, some U74s leave instruction pages in their TLB (Linux'
   ERRATA_SIFIVE_CIP_1200). */
void arch_flush(u64 vpn) {
    (void)vpn;
    arch_flush_all();
}

void arch_flush_all(void) {
    asm volatile("sfence.vma" ::: "memory");
}

void arch_sync(void) {
    asm volatile("fence.i" ::: "memory");
}

void arch_reset(u32 kind) {
    sbi(SBI_RESET, 0, kind == RESET_REBOOT ? REBOOT_COLD : 0, 0);
}

void arch_new_context(struct context *context) {
    context->status = (CSR_READ(sstatus) & ~(u64)(SPP | SIE)) | SPIE | FS_DIRTY;
}

u32 arch_argument(u32 index) {
    return 10 + index;
}

/* NT_PRFPREG: f0..f31, fcsr as 32 bits, padding. */
enum { FLOATING_SIZE = 264 };

u32 arch_get_floating(const struct context *context, u8 *state) {
    memset(state, 0, FLOATING_SIZE);
    for (int i = 0; i < 32; i++)
        memcpy(state + 8 * i, &context->f[i][0], 8);
    memcpy(state + 256, &context->fcsr, 4);
    return FLOATING_SIZE;
}

u32 arch_set_floating(struct context *context, const u8 *state, u64 size) {
    if (size != FLOATING_SIZE)
        return 0;
    for (int i = 0; i < 32; i++)
        memcpy(&context->f[i][0], state + 8 * i, 8);
    context->fcsr = 0;
    memcpy(&context->fcsr, state + 256, 4);
    return 1;
}

/* -- traps; Privileged Architecture table 4.2 -- */

static u32 cause_of(u64 cause) {
    switch (cause) {
    case 1: case 12: return CAUSE_FETCH;
    case 5: case 13: return CAUSE_LOAD;
    case 7: case 15: return CAUSE_STORE;
    case 0: case 4: case 6: return CAUSE_MISALIGNED;
    case 2: return CAUSE_ILLEGAL;
    case 3: return CAUSE_BREAKPOINT;
    case 8: return CAUSE_SYSCALL;
    case 1ul << 63 | 5: return CAUSE_SLICE;
    default: return CAUSE_OTHER;
    }
}

u32 arch_cause(struct space *space, struct context *context, u64 *address) {
    u32 cause = cause_of(context->cause);
    (void)space;
    if (cause == CAUSE_SYSCALL)
        context->pc += 4;
    else if (cause == CAUSE_OTHER)
        *address = context->cause;
    else if (cause == CAUSE_FETCH || cause == CAUSE_LOAD || cause == CAUSE_STORE ||
             cause == CAUSE_MISALIGNED)
        *address = context->address;
    return cause;
}

/* -- page table entries; section 4.4. A and D are set beforehand: there may be no Svadu -- */

u64 arch_empty(int level) {
    (void)level;
    return 0;
}

u64 arch_branch(u64 table) {
    return table >> PAGE_SHIFT << PPN_SHIFT | V;
}

u64 arch_next(u64 entry) {
    return entry >> PPN_SHIFT << PAGE_SHIFT;
}

u64 arch_leaf(u64 physical, u64 access) {
    u64 entry = physical >> PAGE_SHIFT << PPN_SHIFT | V | U | A | D;
    if (access & ACCESS_EXEC)
        entry |= X;
    if (access & (ACCESS_READ | ACCESS_WRITE)) /* W without R is reserved */
        entry |= R;
    if (access & ACCESS_WRITE)
        entry |= MAY_STORE;
    return access & 7 ? entry : 0;
}

int arch_present(u64 leaf) {
    return leaf & V;
}

u64 arch_leaf_address(u64 leaf) {
    return leaf >> PPN_SHIFT << PAGE_SHIFT;
}

u64 arch_leaf_access(u64 leaf) {
    return (leaf & R ? ACCESS_READ : 0) | (leaf & MAY_STORE ? ACCESS_WRITE : 0) |
           (leaf & X ? ACCESS_EXEC : 0);
}

u64 arch_with_store(u64 leaf, int on) {
    return on ? leaf | W : leaf & ~(u64)W;
}

void arch_root(u64 *root) {
    u64 *now = (u64 *)arch_memory((CSR_READ(satp) & 0xffffffffffful) << PAGE_SHIFT);
    memcpy(root + 256, now + 256, PAGE_SIZE / 2);
}
