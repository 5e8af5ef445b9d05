/* DEFLATE, RFC 1951, from one buffer to another. Codes are canonical: how many there are of each
   length, and the symbols in order, are enough to decode bit by bit. */
#include "monitor.h"

enum { LENGTHS = 16, LITERALS = 288, DISTANCES = 32, END = 256 };

struct stream {
    const u8 *from, *from_end;
    u8 *start, *to, *to_end;
    u32 held; /* bits that were taken from the input and not used */
    u32 held_count;
    int broken;
};

struct code {
    u16 count[LENGTHS];
    u16 symbols[LITERALS];
};

static u32 bits(struct stream *s, u32 count) {
    u32 value;
    while (s->held_count < count) {
        if (s->from == s->from_end) {
            s->broken = 1;
            return 0;
        }
        s->held |= (u32)*s->from++ << s->held_count;
        s->held_count += 8;
    }
    value = s->held & ((1u << count) - 1);
    s->held >>= count;
    s->held_count -= count;
    return value;
}

static void make_code(struct code *code, const u8 *lengths, u32 symbols) {
    u16 next[LENGTHS];
    memset(code->count, 0, sizeof code->count);
    for (u32 i = 0; i < symbols; i++)
        code->count[lengths[i]]++;
    code->count[0] = 0;
    next[1] = 0;
    for (u32 i = 1; i < LENGTHS - 1; i++)
        next[i + 1] = next[i] + code->count[i];
    for (u32 i = 0; i < symbols; i++)
        if (lengths[i])
            code->symbols[next[lengths[i]]++] = (u16)i;
}

static u32 symbol(struct stream *s, const struct code *code) {
    u32 value = 0, first = 0, index = 0;
    for (u32 length = 1; length < LENGTHS && !s->broken; length++) {
        u32 count = code->count[length];
        value |= bits(s, 1);
        if (value < first + count)
            return code->symbols[index + value - first];
        index += count;
        first = (first + count) << 1;
        value <<= 1;
    }
    s->broken = 1;
    return END;
}

static void put(struct stream *s, u8 byte) {
    if (s->to == s->to_end)
        s->broken = 1;
    else
        *s->to++ = byte;
}

static void stored(struct stream *s) {
    u32 size;
    s->held = s->held_count = 0; /* the rest of the byte; less than eight bits are ever held */
    size = bits(s, 16);
    if ((bits(s, 16) ^ 0xffff) != size)
        s->broken = 1;
    for (; size && !s->broken; size--)
        put(s, (u8)bits(s, 8));
}

/* Lengths of matches 257..285 and distances 0..29: base and extra bits follow a rule. */
static u32 match_length(struct stream *s, u32 symbol) {
    u32 n = symbol - 257, extra = n < 8 || n == 28 ? 0 : n / 4 - 1;
    if (n == 28)
        return 258;
    return (n < 8 ? n + 3 : ((4 + n % 4) << extra) + 3) + bits(s, extra);
}

static u32 match_distance(struct stream *s, u32 symbol) {
    u32 extra = symbol < 4 ? 0 : symbol / 2 - 1;
    return (symbol < 4 ? symbol + 1 : ((2 + symbol % 2) << extra) + 1) + bits(s, extra);
}

static void compressed(struct stream *s, const struct code *literals, const struct code *distances) {
    while (!s->broken) {
        u32 which = symbol(s, literals), length, distance;
        if (which < END) {
            put(s, (u8)which);
            continue;
        }
        if (which == END)
            return;
        if (which > 285) {
            s->broken = 1;
            return;
        }
        length = match_length(s, which);
        which = symbol(s, distances);
        distance = which < 30 ? match_distance(s, which) : 0;
        if (!distance || distance > (u64)(s->to - s->start))
            s->broken = 1;
        for (; length && !s->broken; length--)
            put(s, s->to[-(s64)distance]);
    }
}

static void fixed_codes(struct code *literals, struct code *distances) {
    u8 lengths[LITERALS];
    memset(lengths, 8, 144);
    memset(lengths + 144, 9, 112);
    memset(lengths + 256, 7, 24);
    memset(lengths + 280, 8, 8);
    make_code(literals, lengths, LITERALS);
    memset(lengths, 5, 30);
    make_code(distances, lengths, 30);
}

/* The lengths of both codes, themselves compressed (section 3.2.7). */
static void dynamic_codes(struct stream *s, struct code *literals, struct code *distances) {
    static const u8 order[19] = {16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15};
    u8 lengths[LITERALS + DISTANCES];
    u32 n_literals = bits(s, 5) + 257, n_distances = bits(s, 5) + 1, n = bits(s, 4) + 4, at = 0;
    memset(lengths, 0, 19);
    for (u32 i = 0; i < n; i++)
        lengths[order[i]] = (u8)bits(s, 3);
    make_code(literals, lengths, 19);
    while (at < n_literals + n_distances && !s->broken) {
        u32 which = symbol(s, literals), repeat = 1, length = which;
        if (which >= 16) {
            length = which == 16 && at ? lengths[at - 1] : 0;
            repeat = which == 16 ? 3 + bits(s, 2) : which == 17 ? 3 + bits(s, 3) : 11 + bits(s, 7);
        }
        if (at + repeat > n_literals + n_distances)
            s->broken = 1;
        for (; repeat && !s->broken; repeat--)
            lengths[at++] = (u8)length;
    }
    if (s->broken || n_literals > 286 || n_distances > 30) {
        s->broken = 1;
        return;
    }
    make_code(literals, lengths, n_literals);
    make_code(distances, lengths + n_literals, n_distances);
}

s64 inflate(u8 *to, u64 size, const u8 *from, u64 from_size) {
    struct stream s = {from, from + from_size, to, to, to + size, 0, 0, 0};
    struct code literals, distances;
    u32 last = 0;
    while (!last && !s.broken) {
        u32 kind;
        last = bits(&s, 1);
        kind = bits(&s, 2);
        if (kind == 0)
            stored(&s);
        else if (kind == 3)
            s.broken = 1;
        else {
            if (kind == 1)
                fixed_codes(&literals, &distances);
            else
                dynamic_codes(&s, &literals, &distances);
            compressed(&s, &literals, &distances);
        }
    }
    return s.broken ? ~(s64)(s.to - to) : s.to - to;
}
