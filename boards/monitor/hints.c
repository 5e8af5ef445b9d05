/* What the arguments of a system call point to comes along with it, where user code may have
   stored there; what it can only read the host knows. */
#include "monitor.h"

struct hint {
    u8 pointer, times, vector;
    u16 unit; /* bytes; 0: a string */
    u16 limit; /* bytes; 0: no hint */
};

static struct hint (*hints)[HINTS_EACH];

void hints_init(void) {
    hints = memory_take(HINT_NUMBERS * sizeof *hints);
}

void hints_clear(void) {
    memset(hints, 0, HINT_NUMBERS * sizeof *hints);
}

u32 hints_set(struct in *in) {
    u64 number = take_u(in), index = take_u(in), pointer = take_u(in), unit = take_u(in);
    u64 times = take_u(in), vector = take_u(in), limit = take_u(in);
    failed_detail = OP_HINT;
    if (number >= HINT_NUMBERS || index >= HINTS_EACH || pointer > 5 || times > 6 ||
        unit >= FRAME_LIMIT || limit >= FRAME_LIMIT)
        return STATUS_BAD_OP;
    hints[number][index] = (struct hint){pointer, times, vector != 0, unit, limit};
    return STATUS_OK;
}

/* Pieces in the making: their count is not known before the last. */
struct pieces {
    struct space *space;
    struct out out;
    u64 count;
    u64 left; /* bytes that may still come along */
};

/* Add the bytes at `va`, page by page. With `string` up to a NUL. Returns 0 when it ended early. */
static int add(struct pieces *pieces, u64 va, u64 size, int string) {
    while (size && pieces->left) {
        u64 part = PAGE_SIZE - (va & (PAGE_SIZE - 1));
        const u8 *data = tables_reach(pieces->space, va, ACCESS_WRITE);
        struct out before = pieces->out;
        int last = 0;
        if (!data)
            return 0;
        part = part < size ? part : size;
        part = part < pieces->left ? part : pieces->left;
        for (u64 i = 0; string && i < part; i++)
            if (!data[i]) {
                u64 rest = -(va + i + 1) & (STRING_GRAIN - 1);
                part = i + 1 + rest < part ? i + 1 + rest : part;
                last = 1;
                break;
            }
        put_u(&pieces->out, arch_physical(data) - memory_base);
        put_bytes(&pieces->out, data, part);
        if (pieces->out.full) {
            pieces->out = before;
            return 0;
        }
        pieces->count++;
        pieces->left -= part;
        va += part;
        size -= part;
        if (last)
            return 0;
    }
    return 1;
}

/* struct iovec: an address and a size, 64 bits each. */
static void add_vector(struct pieces *pieces, u64 va, u64 count) {
    if (count > 16 || !add(pieces, va, 16 * count, 0))
        return;
    for (u64 i = 0; i < count; i++) {
        u64 entry = va + 16 * i, pair[2];
        const u8 *first = tables_reach(pieces->space, entry, ACCESS_READ);
        const u8 *second = tables_reach(pieces->space, entry + 8, ACCESS_READ);
        if (!first || !second || (entry & 7))
            return;
        memcpy(&pair[0], first, 8);
        memcpy(&pair[1], second, 8);
        add(pieces, pair[0], pair[1], 0);
    }
}

void hints_follow(struct space *space, struct context *context, struct out *out) {
    u8 *count_at = out->at;
    struct pieces pieces = {space, *out, 0, 0};
    u64 number = context->r[arch_argument(7)];
    put_u(&pieces.out, 0); /* there never are more than 127 */
    for (u32 i = 0; number < HINT_NUMBERS && i < HINTS_EACH; i++) {
        struct hint hint = hints[number][i];
        u64 va = context->r[arch_argument(hint.pointer)];
        u64 times = hint.times ? context->r[arch_argument(hint.times - 1u)] : 1;
        pieces.left = hint.limit;
        if (hint.vector)
            add_vector(&pieces, va, times);
        else if (!hint.unit)
            add(&pieces, va, hint.limit, 1);
        else
            add(&pieces, va, times < FRAME_LIMIT ? hint.unit * times : FRAME_LIMIT, 0);
    }
    *out = pieces.out;
    *count_at = (u8)pieces.count;
}
