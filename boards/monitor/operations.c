/* The operations, each a function of its fields. A table by number leads to them. */
#include "monitor.h"

u64 failed_detail;
u32 features;
static u32 next_baud;
static s32 next_reset = -1;

static u64 u(struct in *in) {
    return take_u(in);
}

static void begin_session(void) {
    for (int i = 0; i < SPACES; i++)
        tables_drop(&spaces[i]);
    for (int i = 0; i < CONTEXTS; i++) {
        memset(&contexts[i], 0, sizeof contexts[i]);
        arch_new_context(&contexts[i]);
    }
    hints_clear();
}

static u32 hello(struct in *in, struct out *out) {
    u64 can = FEATURE_HINTS | FEATURE_DIRTY | FEATURE_CACHE | FEATURE_MMIO | FEATURE_SPEED |
              FEATURE_INFLATE | arch_features();
    u(in); /* its version: a newer host asks for no more than it finds here */
    take_fixed(in, 4);
    features = u(in) & can;
    begin_session();
    put_fixed(out, MAGIC, 4);
    put_u(out, VERSION);
    put_u(out, arch_id());
    put_u(out, features);
    put_i(out, arch_hart());
    put_u(out, arch_physical(image_start));
    put_u(out, image_end - image_start);
    put_u(out, memory_base);
    put_u(out, memory_size);
    put_u(out, arch_time_hz());
    put_u(out, FRAME_LIMIT);
    put_u(out, CONTEXTS);
    put_u(out, SPACES);
    put_u(out, cache_slots);
    put_u(out, cache_used);
    put_u(out, HINT_NUMBERS);
    put_u(out, uart_baud);
    put_u(out, frame_bad);
    put_u(out, monitor_repeats());
    put_u(out, uart_overruns);
    return STATUS_OK;
}

static u32 echo(struct in *in, struct out *out) {
    u64 size;
    const u8 *data = take_bytes(in, &size);
    put_bytes(out, data, size);
    return STATUS_OK;
}

/* -- memory -- */

static u32 read(struct in *in, struct out *out) {
    u64 offset = u(in), size = u(in);
    u8 *data = memory_at(offset, size);
    if (!data)
        return STATUS_BAD_MEMORY;
    put_bytes(out, data, size);
    return STATUS_OK;
}

static u32 write(struct in *in, struct out *out) {
    u64 offset = u(in), size;
    const u8 *data = take_bytes(in, &size);
    u8 *to = memory_at(offset, size);
    (void)out;
    if (!to)
        return STATUS_BAD_MEMORY;
    memcpy(to, data, size);
    return STATUS_OK;
}

static u32 fill(struct in *in, struct out *out) {
    u64 offset = u(in), size = u(in), byte = take_fixed(in, 1);
    u8 *to = memory_at(offset, size);
    (void)out;
    if (!to)
        return STATUS_BAD_MEMORY;
    memset(to, byte, size);
    return STATUS_OK;
}

static u32 copy(struct in *in, struct out *out) {
    u64 to = u(in), from = u(in), size = u(in);
    u8 *target = memory_at(to, size), *source = memory_at(from, size);
    (void)out;
    if (!target || !source)
        return STATUS_BAD_MEMORY;
    memcpy(target, source, size);
    return STATUS_OK;
}

static u32 inflated(struct in *in, struct out *out) {
    u64 offset = u(in), size = u(in), packed;
    const u8 *data = take_bytes(in, &packed);
    u8 *to = memory_at(offset, size);
    s64 made;
    (void)out;
    if (!to)
        return STATUS_BAD_MEMORY;
    made = inflate(to, size, data, packed);
    if (made == (s64)size)
        return STATUS_OK;
    failed_detail = made < 0 ? ~made : made;
    return STATUS_BAD_CODE;
}

static u32 crc(struct in *in, struct out *out) {
    u64 offset = u(in), size = u(in);
    const u8 *data = memory_at(offset, size);
    if (!data)
        return STATUS_BAD_MEMORY;
    put_fixed(out, crc32(0, data, size), 4);
    return STATUS_OK;
}

/* -- spaces -- */

static struct space *space_of(u64 number) {
    return number < SPACES ? &spaces[number] : 0;
}

static u32 map(struct in *in, struct out *out) {
    struct space *space = space_of(u(in));
    u64 vpn = u(in), frame = u(in), count = u(in), access = u(in);
    u32 status = STATUS_OK;
    (void)out;
    if (!space || in->cut)
        return STATUS_BAD_OP;
    for (u64 i = 0; i < count && status == STATUS_OK; i++)
        status = tables_map(space, vpn + i, frame + i, access);
    return status;
}

static u32 unmap(struct in *in, struct out *out) {
    struct space *space = space_of(u(in));
    u64 vpn = u(in), count = u(in);
    (void)out;
    if (!space || in->cut || count > arch_pages)
        return STATUS_BAD_OP;
    for (u64 i = 0; i < count; i++)
        tables_unmap(space, vpn + i);
    return STATUS_OK;
}

static u32 drop(struct in *in, struct out *out) {
    struct space *space = space_of(u(in));
    (void)out;
    if (!space)
        return STATUS_BAD_OP;
    tables_drop(space);
    return STATUS_OK;
}

static u32 sync(struct in *in, struct out *out) {
    (void)in, (void)out;
    arch_sync();
    return STATUS_OK;
}

static u32 walk(struct in *in, struct out *out) {
    struct space *space = space_of(u(in));
    u64 vpn = u(in), *entry;
    if (!space)
        return STATUS_BAD_OP;
    entry = tables_entry(space, vpn);
    put_u(out, entry ? *entry : 0);
    return STATUS_OK;
}

/* -- contexts -- */

static struct context *context_of(u64 number) {
    return number < CONTEXTS ? &contexts[number] : 0;
}

static u32 set(struct in *in, struct out *out) {
    struct context *context = context_of(u(in));
    u64 numbers = u(in);
    (void)out;
    if (!context || numbers >> 32)
        return STATUS_BAD_OP;
    for (u32 i = 0; i < 32; i++)
        if (numbers >> i & 1)
            context->said[i] = *register_of(context, i) = (u64)take_i(in);
    return STATUS_OK;
}

static u32 get(struct in *in, struct out *out) {
    struct context *context = context_of(u(in));
    if (!context)
        return STATUS_BAD_OP;
    put_u(out, 0xffffffff);
    for (u32 i = 0; i < 32; i++)
        put_i(out, (s64)(context->said[i] = *register_of(context, i)));
    return STATUS_OK;
}

static u32 set_floating(struct in *in, struct out *out) {
    struct context *context = context_of(u(in));
    u64 size;
    const u8 *state = take_bytes(in, &size);
    (void)out;
    return context && arch_set_floating(context, state, size) ? STATUS_OK : STATUS_BAD_OP;
}

static u32 get_floating(struct in *in, struct out *out) {
    static u8 state[PAGE_SIZE / 8];
    struct context *context = context_of(u(in));
    if (!context)
        return STATUS_BAD_OP;
    put_bytes(out, state, arch_get_floating(context, state));
    return STATUS_OK;
}

static u32 clone(struct in *in, struct out *out) {
    struct context *context = context_of(u(in)), *source = context_of(u(in));
    (void)out;
    if (!context || !source)
        return STATUS_BAD_OP;
    if (context != source)
        memcpy(context, source, sizeof *context);
    return STATUS_OK;
}

static u32 hint(struct in *in, struct out *out) {
    (void)out;
    return hints_set(in);
}

/* -- the cache -- */

static u32 keep(struct in *in, struct out *out) {
    u64 slot = u(in), frame = u(in), key = take_fixed(in, 8);
    (void)out;
    return in->cut ? STATUS_BAD_OP : cache_keep(slot, frame, key);
}

static u32 fetch(struct in *in, struct out *out) {
    u64 frame = u(in), slot = u(in);
    (void)out;
    return cache_fetch(frame, slot);
}

static u32 list_slots(struct in *in, struct out *out) {
    u64 first = u(in), count = u(in);
    cache_list(first, count, out);
    return STATUS_OK;
}

/* -- device registers -- */

static u64 load_register(u64 at, u64 width) {
    switch (width) {
    case 1: return *(volatile u8 *)at;
    case 2: return *(volatile u16 *)at;
    case 4: return *(volatile u32 *)at;
    default: return *(volatile u64 *)at;
    }
}

static void store_register(u64 at, u64 width, u64 value) {
    switch (width) {
    case 1: *(volatile u8 *)at = (u8)value; break;
    case 2: *(volatile u16 *)at = (u16)value; break;
    case 4: *(volatile u32 *)at = (u32)value; break;
    default: *(volatile u64 *)at = value;
    }
}

static int bad_width(u64 width) {
    return width != 1 && width != 2 && width != 4 && width != 8;
}

static u32 peek(struct in *in, struct out *out) {
    u64 at = arch_registers(u(in)), width = u(in);
    if (in->cut || bad_width(width))
        return STATUS_BAD_OP;
    put_u(out, load_register(at, width));
    return STATUS_OK;
}

static u32 poke(struct in *in, struct out *out) {
    u64 at = arch_registers(u(in)), width = u(in), value = u(in);
    (void)out;
    if (in->cut || bad_width(width))
        return STATUS_BAD_OP;
    store_register(at, width, value);
    return STATUS_OK;
}

static u32 peek_while(struct in *in, struct out *out) {
    static u8 data[PAGE_SIZE];
    u64 at = arch_registers(u(in)), status = arch_registers(u(in)), width = u(in);
    u64 mask = u(in), wanted = u(in), limit = u(in), count = 0;
    if (in->cut || bad_width(width) || limit > sizeof data)
        return STATUS_BAD_OP;
    while (count < limit && (load_register(status, width) & mask) == wanted)
        data[count++] = (u8)load_register(at, width);
    put_bytes(out, data, count);
    return STATUS_OK;
}

static u32 poke_while(struct in *in, struct out *out) {
    u64 at = arch_registers(u(in)), status = arch_registers(u(in)), width = u(in);
    u64 mask = u(in), wanted = u(in), size, count = 0;
    const u8 *data = take_bytes(in, &size);
    if (in->cut || bad_width(width))
        return STATUS_BAD_OP;
    while (count < size && (load_register(status, width) & mask) == wanted)
        store_register(at, width, data[count++]);
    put_u(out, count);
    return STATUS_OK;
}

/* -- the board -- */

static u32 baud(struct in *in, struct out *out) {
    u64 wanted = u(in);
    (void)out;
    if (in->cut || wanted < 1200 || wanted > config.uart_clock / 16 + config.uart_clock / 320)
        return STATUS_BAD_OP;
    next_baud = wanted;
    return STATUS_OK;
}

static u32 reset(struct in *in, struct out *out) {
    u64 kind = u(in);
    (void)out;
    if (in->cut || kind > RESET_POWER_OFF)
        return STATUS_BAD_OP;
    next_reset = kind;
    return STATUS_OK;
}

/* What would spoil the reply is done behind it. */
void operations_after_reply(void) {
    if (next_baud)
        uart_change_baud(next_baud);
    next_baud = 0;
    if (next_reset >= 0) {
        uart_finish();
        arch_reset(next_reset);
    }
    next_reset = -1;
}

/* A switch, as a table of addresses would have to be relocated. */
#define EACH(X) \
    X(HELLO, hello) X(ECHO, echo) X(READ, read) X(WRITE, write) X(FILL, fill) X(COPY, copy) \
    X(INFLATE, inflated) X(CRC, crc) X(MAP, map) X(UNMAP, unmap) X(DROP, drop) X(SYNC, sync) \
    X(SET, set) X(GET, get) X(SET_FLOATING, set_floating) X(GET_FLOATING, get_floating) \
    X(CLONE, clone) X(RUN, run) X(HINT, hint) X(KEEP, keep) X(FETCH, fetch) \
    X(SLOTS, list_slots) X(PEEK, peek) X(POKE, poke) X(PEEK_WHILE, peek_while) \
    X(POKE_WHILE, poke_while) X(BAUD, baud) X(RESET, reset) X(WALK, walk)

static u32 dispatch(u64 number, struct in *in, struct out *out) {
    switch (number) {
#define CASE(NAME, function) \
    case OP_##NAME: return function(in, out);
        EACH(CASE)
    default: return STATUS_BAD_OP;
    }
}

u32 operate(struct in *in, struct out *out) {
    u64 number = take_fixed(in, 1);
    u32 status;
    failed_detail = number;
    status = dispatch(number, in, out);
    if (!in->cut)
        return status;
    failed_detail = number;
    return STATUS_BAD_OP;
}
