/* LoongArch at PLV0, three levels of 4-KiB pages. Reference Manual volume 1, chapters 5 to 7. */
#include <stddef.h>

#include "loongarch64.h"

#define CSR_READ(n) ({ u64 _v; asm volatile("csrrd %0, " #n : "=r"(_v)); _v; })
#define CSR_WRITE(n, value) do { u64 _v = (value); asm volatile("csrwr %0, " #n : "+r"(_v)::"memory"); } while (0)
#define CPUCFG(word) ({ u64 _w = (word), _v; asm volatile("cpucfg %0, %1" : "=r"(_v) : "r"(_w)); _v; })

/* CSRs: 0x4 ECFG, 0x18 ASID, 0x19 PGDL, 0x1a PGDH, 0x1c PWCL, 0x1d PWCH, 0x1e STLBPS,
   0x41 TCFG, 0x44 TICLR, 0x8e TLBREHI */

static const u64 physical = 0x0000fffffffffffful, cached = 0x9000000000000000ul;
static const u64 uncached = 0x8000000000000000ul;
const u64 arch_pages = 1ul << 26; /* as with Sv39; the LA264 has one bit more */

enum { WALK = 0x13e4d52c }; /* tables at bits 12, 21 and 30, nine bits each */
enum { V = 1, D = 2, PLV3 = 0xc, CACHED = 0x10, P = 0x80, W = 0x100 }; /* page table entry */
static const u64 no_exec = 1ul << 62, no_read = 1ul << 61;
enum { TIMER_INTERRUPT = 1 << 11, LSX = 1 << 6 };

_Static_assert(offsetof(struct config, memory_start) == 40, "loongarch64.S");
_Static_assert(offsetof(struct context, pc) == CONTEXT_PC, "context.h");
_Static_assert(offsetof(struct context, stack) == CONTEXT_STACK, "context.h");
_Static_assert(offsetof(struct context, vector) == CONTEXT_VECTOR, "context.h");
_Static_assert(offsetof(struct context, fcc) == CONTEXT_FCC, "context.h");
_Static_assert(offsetof(struct context, f) == CONTEXT_F, "context.h");
_Static_assert(sizeof(struct config) == CONFIG_SIZE, "config.h");

static struct space *current;
static u64 *nowhere; /* a table of each level whose entries lead to invalid pages */

void arch_init(u64 a0, u64 a1) {
    (void)a0, (void)a1;
    CSR_WRITE(0x18, 0);
    CSR_WRITE(0x1c, WALK);
    CSR_WRITE(0x1d, 0);
    CSR_WRITE(0x1e, PAGE_SHIFT); /* not there on the LA264: reads 0 and is 4 KiB all the same */
    CSR_WRITE(0x8e, PAGE_SHIFT);
}

u32 arch_id(void) {
    return 258; /* EM_LOONGARCH */
}

s64 arch_hart(void) {
    return (s64)(CSR_READ(0x20) & 0x1ff); /* CPUID */
}

u64 arch_features(void) {
    return CPUCFG(2) & LSX ? FEATURE_VECTOR : 0;
}

u8 *arch_memory(u64 address) {
    return (u8 *)((address & physical) | cached);
}

u64 arch_registers(u64 address) {
    return (address & physical) | uncached;
}

u64 arch_physical(const void *seen) {
    return (u64)seen & physical;
}

u64 arch_time(void) {
    u64 time, id;
    asm volatile("rdtime.d %0, %1" : "=r"(time), "=r"(id));
    return time;
}

/* CPUCFG word 4: the crystal, 5: multiplier and divider. */
u64 arch_time_hz(void) {
    u64 hz = (u32)CPUCFG(4), ratio = CPUCFG(5), times = ratio & 0xffff, by = ratio >> 16 & 0xffff;
    return config.timer_hz ? config.timer_hz : times && by ? hz * times / by : hz;
}

void arch_slice(u64 ticks) {
    CSR_WRITE(0x41, 0);
    CSR_WRITE(0x44, 1);
    if (ticks)
        CSR_WRITE(0x41, ((ticks + 3) & ~3ul) | 1);
    CSR_WRITE(0x4, ticks ? TIMER_INTERRUPT : 0);
}

void arch_use(struct space *space) {
    if (space == current)
        return;
    current = space;
    CSR_WRITE(0x19, arch_physical(space->root));
    arch_flush_all();
}

/* An entry of the TLB has two pages. */
void arch_flush(u64 vpn) {
    u64 address = (vpn & ~1ul) << PAGE_SHIFT;
    asm volatile("dbar 0\n invtlb 0x5, $zero, %0" ::"r"(address) : "memory");
}

void arch_flush_all(void) {
    asm volatile("dbar 0\n invtlb 0x0, $zero, $zero" ::: "memory");
}

void arch_sync(void) {
    asm volatile("dbar 0\n ibar 0" ::: "memory");
}

void arch_reset(u32 kind) {
    u64 at = kind == RESET_REBOOT ? config.reboot_address : config.poweroff_address;
    u64 value = kind == RESET_REBOOT ? config.reboot_value : config.poweroff_value;
    u32 width = kind == RESET_REBOOT ? config.reboot_width : config.poweroff_width;
    if (!at)
        return;
    at = arch_registers(at);
    if (width == 1)
        *(volatile u8 *)at = (u8)value;
    else
        *(volatile u32 *)at = (u32)value;
}

void arch_new_context(struct context *context) {
    (void)context;
}

u32 arch_argument(u32 index) {
    return 4 + index;
}

/* NT_PRFPREG: f0..f31, fcc0..fcc7, fcsr as 32 bits, padding; then, once LSX is in use, the upper
   halves of vr0..vr31. */
enum { FLOATING_SIZE = 272, VECTOR_SIZE = FLOATING_SIZE + 256 };

u32 arch_get_floating(const struct context *context, u8 *state) {
    memset(state, 0, FLOATING_SIZE);
    for (int i = 0; i < 32; i++)
        memcpy(state + 8 * i, &context->f[i][0], 8);
    memcpy(state + 256, context->fcc, 8);
    memcpy(state + 264, &context->fcsr, 4);
    if (!context->vector)
        return FLOATING_SIZE;
    for (int i = 0; i < 32; i++)
        memcpy(state + FLOATING_SIZE + 8 * i, &context->f[i][1], 8);
    return VECTOR_SIZE;
}

u32 arch_set_floating(struct context *context, const u8 *state, u64 size) {
    if (size != FLOATING_SIZE && (size != VECTOR_SIZE || !(CPUCFG(2) & LSX)))
        return 0;
    memset(context->f, 0, sizeof context->f);
    for (int i = 0; i < 32; i++)
        memcpy(&context->f[i][0], state + 8 * i, 8);
    memcpy(context->fcc, state + 256, 8);
    context->fcsr = 0;
    memcpy(&context->fcsr, state + 264, 4);
    context->vector = size == VECTOR_SIZE;
    for (int i = 0; i < 32 && context->vector; i++)
        memcpy(&context->f[i][1], state + FLOATING_SIZE + 8 * i, 8);
    return 1;
}

/* -- traps; table of exceptions, section 6.2 -- */

enum { LSX_DISABLED = 0x10, MISALIGNED = 9, SYSCALL = 0xb };

static u32 cause_of(u32 code, u32 sub) {
    switch (code) {
    case 0: return CAUSE_SLICE;
    case 1: case 5: case 7: return CAUSE_LOAD;  /* invalid, not readable, privileged page */
    case 2: case 4: return CAUSE_STORE;         /* invalid, clean page */
    case 3: case 6: return CAUSE_FETCH;         /* invalid, not executable */
    case 8: return sub ? CAUSE_LOAD : CAUSE_FETCH; /* addresses that nobody has */
    case MISALIGNED: return CAUSE_MISALIGNED;
    case SYSCALL: return CAUSE_SYSCALL;
    case 0xc: return CAUSE_BREAKPOINT;
    case 0xd: case 0xe: case 0x11: return CAUSE_ILLEGAL; /* unknown, privileged, LASX */
    default: return CAUSE_OTHER;
    }
}

u32 arch_cause(struct space *space, struct context *context, u64 *address) {
    u32 code = context->cause >> 16 & 0x3f, cause = cause_of(code, context->cause >> 22 & 0x1ff);
    if (code == LSX_DISABLED) {
        if (!(CPUCFG(2) & LSX))
            return CAUSE_ILLEGAL;
        context->vector = 1; /* from now on its registers are saved whole */
        return CAUSE_NONE;
    }
    if (code == MISALIGNED)
        return unaligned(space, context, address);
    if (cause == CAUSE_SYSCALL)
        context->pc += 4;
    else if (cause == CAUSE_OTHER)
        *address = context->cause;
    else if (cause == CAUSE_FETCH)
        *address = context->pc;
    else if (cause == CAUSE_LOAD || cause == CAUSE_STORE)
        *address = context->address;
    return cause;
}

/* -- page table entries; section 5.4.5. W is ours: the page may be stored to, once D is set -- */

u64 arch_empty(int level) {
    if (level == 0)
        return 0;
    if (!nowhere) {
        nowhere = memory_take(2 * PAGE_SIZE);
        for (int i = 0; i < 512; i++)
            nowhere[512 + i] = arch_physical(nowhere);
    }
    return arch_physical(nowhere + 512 * (level - 1));
}

u64 arch_branch(u64 table) {
    return table;
}

u64 arch_next(u64 entry) {
    return entry;
}

u64 arch_leaf(u64 address, u64 access) {
    u64 entry = address | V | PLV3 | CACHED | P;
    if (!(access & ACCESS_EXEC))
        entry |= no_exec;
    if (!(access & (ACCESS_READ | ACCESS_WRITE)))
        entry |= no_read;
    if (access & ACCESS_WRITE)
        entry |= W;
    return access & 7 ? entry : 0;
}

int arch_present(u64 leaf) {
    return leaf & V;
}

u64 arch_leaf_address(u64 leaf) {
    return leaf & physical & -(u64)PAGE_SIZE;
}

u64 arch_leaf_access(u64 leaf) {
    return (leaf & no_read ? 0 : ACCESS_READ) | (leaf & W ? ACCESS_WRITE : 0) |
           (leaf & no_exec ? 0 : ACCESS_EXEC);
}

u64 arch_with_store(u64 leaf, int on) {
    return on ? leaf | D : leaf & ~(u64)D;
}

/* The upper half of addresses belongs to nobody. */
void arch_root(u64 *root) {
    (void)root;
    CSR_WRITE(0x1a, arch_empty(2));
}
