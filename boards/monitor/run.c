/* Running user code, and saying why it stopped. */
#include "monitor.h"

struct context *contexts;

void run_init(void) {
    contexts = memory_take(CONTEXTS * sizeof *contexts);
    for (int i = 0; i < CONTEXTS; i++)
        arch_new_context(&contexts[i]);
}

/* A register by its number on the wire. */
u64 *register_of(struct context *context, u32 number) {
    return number == PC ? &context->pc : &context->r[number];
}

static void put_changed(struct context *context, u64 wanted, struct out *out) {
    u64 changed = 0;
    for (u32 i = 0; i < 32; i++)
        if (wanted >> i & 1 && *register_of(context, i) != context->said[i])
            changed |= 1ul << i;
    put_u(out, changed);
    for (u32 i = 0; i < 32; i++)
        if (changed >> i & 1) {
            u64 value = *register_of(context, i);
            put_i(out, (s64)(value - context->said[i]));
            context->said[i] = value;
        }
}

static u32 until_trap(struct space *space, struct context *context, u64 *address) {
    for (;;) {
        u32 cause;
        arch_run(context);
        *address = 0;
        cause = arch_cause(space, context, address);
        if (cause == CAUSE_NONE || (cause == CAUSE_STORE && tables_note_store(space, *address)))
            continue;
        return cause;
    }
}

u32 run(struct in *in, struct out *out) {
    u64 number = take_u(in), which = take_u(in), slice_us = take_u(in), address;
    struct space *space = &spaces[number];
    struct context *context = &contexts[which];
    u64 wanted = 1ul << PC;
    u32 cause;
    failed_detail = OP_RUN;
    if (in->cut || in->at != in->end || number >= SPACES || which >= CONTEXTS)
        return STATUS_BAD_OP;
    arch_use(space);
    arch_slice(slice_us * (arch_time_hz() / 1000) / 1000 + 1);
    cause = until_trap(space, context, &address);
    arch_slice(0);
    if (cause == CAUSE_SYSCALL)
        wanted |= 0xfful << arch_argument(0);
    put_u(out, cause);
    put_u(out, address);
    put_changed(context, wanted, out);
    if (features & FEATURE_DIRTY)
        tables_report_dirty(space, out);
    else
        put_u(out, ALL_DIRTY);
    if (features & FEATURE_HINTS && cause == CAUSE_SYSCALL)
        hints_follow(space, context, out);
    else
        put_u(out, 0);
    tables_clean(space);
    return STATUS_OK;
}
