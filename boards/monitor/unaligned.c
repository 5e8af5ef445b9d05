/* The LA264 has no unaligned loads and stores: exception 9 (ALE) brings them here. */
#include "loongarch64.h"

enum { SIGNED = 1, STORE = 2, FLOATING = 4 };

/* log2(size) and flags, by the opcode; formats 2RI12 (bits 31..22), 2RI14 (31..24), 3R (31..15) */
struct row {
    u32 opcode;
    u8 shift, size, flags;
};

struct access unaligned_decode(u32 word) {
    static const struct row rows[] = {
        {0x0a1, 22, 2, SIGNED},  {0x0a2, 22, 4, SIGNED},  {0x0a3, 22, 8, 0},      /* ld.h w d */
        {0x0a5, 22, 2, STORE},   {0x0a6, 22, 4, STORE},   {0x0a7, 22, 8, STORE},  /* st.h w d */
        {0x0a9, 22, 2, 0},       {0x0aa, 22, 4, 0},                               /* ld.hu wu */
        {0x0ac, 22, 4, FLOATING}, {0x0ad, 22, 4, STORE | FLOATING},               /* fld.s fst.s */
        {0x0ae, 22, 8, FLOATING}, {0x0af, 22, 8, STORE | FLOATING},               /* fld.d fst.d */
        {0x0b0, 22, 16, FLOATING}, {0x0b1, 22, 16, STORE | FLOATING},             /* vld vst */
        {0x24, 24, 4, SIGNED},   {0x25, 24, 4, STORE},                            /* ldptr.w stptr.w */
        {0x26, 24, 8, 0},        {0x27, 24, 8, STORE},                            /* ldptr.d stptr.d */
        {0x7008, 15, 2, SIGNED}, {0x7010, 15, 4, SIGNED}, {0x7018, 15, 8, 0},     /* ldx.h w d */
        {0x7028, 15, 2, STORE},  {0x7030, 15, 4, STORE},  {0x7038, 15, 8, STORE}, /* stx.h w d */
        {0x7048, 15, 2, 0},      {0x7050, 15, 4, 0},                              /* ldx.hu wu */
        {0x7060, 15, 4, FLOATING}, {0x7068, 15, 8, FLOATING},                     /* fldx.s d */
        {0x7070, 15, 4, STORE | FLOATING}, {0x7078, 15, 8, STORE | FLOATING},     /* fstx.s d */
        {0x7080, 15, 16, FLOATING}, {0x7088, 15, 16, STORE | FLOATING},           /* vldx vstx */
    };
    for (u32 i = 0; i < sizeof rows / sizeof *rows; i++)
        if (word >> rows[i].shift == rows[i].opcode) {
            u8 flags = rows[i].flags;
            return (struct access){rows[i].size, (flags & STORE) != 0, flags & SIGNED,
                                   (flags & FLOATING) != 0, word & 31};
        }
    return (struct access){0}; /* atomic ones have to be aligned */
}

static void keep(struct context *context, struct access access, const u8 *data) {
    u64 value[2] = {0, 0};
    u32 unused = 64 - 8 * access.size;
    memcpy(value, data, access.size);
    if (access.floating) {
        memcpy(context->f[access.number], value, access.size == 16 ? 16 : 8);
        return;
    }
    if (access.sign)
        value[0] = (u64)((s64)(value[0] << unused) >> unused);
    if (access.number)
        context->r[access.number] = value[0];
}

u32 unaligned(struct space *space, struct context *context, u64 *address) {
    struct access access = unaligned_decode((u32)context->word);
    u64 wanted = access.store ? ACCESS_WRITE : ACCESS_READ;
    u8 data[16];
    *address = context->address;
    if (!access.size)
        return CAUSE_MISALIGNED;
    for (u32 i = 0; i < access.size; i++) /* all of it can be done, or nothing is */
        if (!tables_reach(space, context->address + i, wanted)) {
            *address = context->address + i;
            return access.store ? CAUSE_STORE : CAUSE_LOAD;
        }
    if (access.store)
        memcpy(data, access.floating ? context->f[access.number] : &context->r[access.number],
               access.size);
    for (u32 i = 0; i < access.size; i++) {
        u8 *byte = tables_reach(space, context->address + i, wanted);
        if (access.store) {
            tables_note_store(space, context->address + i);
            *byte = data[i];
        } else
            data[i] = *byte;
    }
    if (!access.store)
        keep(context, access, data);
    context->pc += 4;
    return CAUSE_NONE;
}
