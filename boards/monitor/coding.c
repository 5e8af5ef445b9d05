/* Varints and byte strings. Bad input sets a flag, which operate() looks at once. */
#include "monitor.h"

u64 take_fixed(struct in *in, u32 size) {
    u64 value = 0;
    if ((u64)(in->end - in->at) < size) {
        in->cut = 1;
        return 0;
    }
    for (u32 i = 0; i < size; i++)
        value |= (u64)*in->at++ << 8 * i;
    return value;
}

u64 take_u(struct in *in) {
    u64 value = 0;
    for (u32 shift = 0; shift < 70; shift += 7) {
        u64 byte = take_fixed(in, 1);
        value |= (byte & 0x7f) << (shift & 63);
        if (byte < 0x80)
            return value;
    }
    in->cut = 1;
    return 0;
}

s64 take_i(struct in *in) {
    u64 value = take_u(in);
    return (s64)(value >> 1 ^ -(value & 1));
}

const u8 *take_bytes(struct in *in, u64 *size) {
    const u8 *data;
    *size = take_u(in);
    data = in->at;
    if (*size > (u64)(in->end - in->at)) {
        in->cut = 1;
        *size = 0;
        return data;
    }
    in->at += *size;
    return data;
}

void put_fixed(struct out *out, u64 value, u32 size) {
    if ((u64)(out->end - out->at) < size) {
        out->full = 1;
        return;
    }
    for (u32 i = 0; i < size; i++)
        *out->at++ = (u8)(value >> 8 * i);
}

void put_u(struct out *out, u64 value) {
    for (; value > 0x7f; value >>= 7)
        put_fixed(out, (value & 0x7f) | 0x80, 1);
    put_fixed(out, value, 1);
}

void put_i(struct out *out, s64 value) {
    put_u(out, (u64)value << 1 ^ (u64)(value >> 63));
}

void put_bytes(struct out *out, const void *data, u64 size) {
    put_u(out, size);
    if (out->full || (u64)(out->end - out->at) < size) {
        out->full = 1;
        return;
    }
    memcpy(out->at, data, size);
    out->at += size;
}
