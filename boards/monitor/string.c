#include "monitor.h"

void *memcpy(void *to, const void *from, u64 size) {
    u8 *t = to;
    const u8 *f = from;
    if (!(((u64)t | (u64)f) & 7))
        for (; size >= 8; size -= 8, t += 8, f += 8)
            *(u64 *)t = *(const u64 *)f;
    while (size--)
        *t++ = *f++;
    return to;
}

void *memset(void *to, int byte, u64 size) {
    u8 *t = to;
    u64 eight = (u8)byte * 0x0101010101010101ul;
    if (!((u64)t & 7))
        for (; size >= 8; size -= 8, t += 8)
            *(u64 *)t = eight;
    while (size--)
        *t++ = (u8)byte;
    return to;
}

/* Half a byte at a time: a table of 64 bytes, and still faster than any line. */
u32 crc32(u32 crc, const u8 *data, u64 size) {
    static u32 table[16];
    if (!table[1])
        for (u32 i = 0; i < 16; i++) {
            table[i] = i;
            for (int bit = 0; bit < 4; bit++)
                table[i] = table[i] & 1 ? 0xEDB88320u ^ table[i] >> 1 : table[i] >> 1;
        }
    crc = ~crc;
    while (size--) {
        crc ^= *data++;
        crc = table[crc & 15] ^ crc >> 4;
        crc = table[crc & 15] ^ crc >> 4;
    }
    return ~crc;
}
