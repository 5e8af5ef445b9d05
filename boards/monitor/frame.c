/* Frames: 00, COBS of (content, CRC-32), 00. Replies have the CRC inverted. */
#include "monitor.h"

u64 frame_bad;

/* Collect the bytes of one frame while they are decoded. Returns how many there were, or -1 for
   a frame that is broken or too long. */
static s64 receive(u8 *to, u32 limit) {
    u32 size = 0;
    int broken = 0;
    u8 byte;
    do
        byte = uart_get();
    while (!byte);
    for (;;) {
        u8 code = byte;
        for (u8 i = 1; i < code; i++) {
            if (!(byte = uart_get()))
                return -1;
            if (size < limit)
                to[size++] = byte;
            else
                broken = 1;
        }
        if (!(byte = uart_get()))
            return broken ? -1 : (s64)size;
        if (code != 0xff) {
            if (size < limit)
                to[size++] = 0;
            else
                broken = 1;
        }
    }
}

u32 frame_receive(u8 *content, u32 limit) {
    static const u8 nak[2] = {NAK, STATUS_OK};
    for (;;) {
        s64 size = receive(content, limit) - 4;
        if (size >= 1) {
            struct in check = {content + size, content + size + 4, 0};
            if (crc32(0, content, size) == take_fixed(&check, 4))
                return size;
        }
        frame_bad++;
        frame_send(nak, sizeof nak);
    }
}

static u8 byte_of(const u8 *content, u32 size, u32 check, u32 at) {
    return at < size ? content[at] : (u8)(check >> 8 * (at - size));
}

void frame_send(const u8 *content, u32 size) {
    u32 check = ~crc32(0, content, size), total = size + 4, at = 0;
    uart_put(0);
    for (;;) { /* one run of bytes that are not zero after the other */
        u32 run = 0;
        while (run < 254 && at + run < total && byte_of(content, size, check, at + run))
            run++;
        uart_put(run + 1);
        for (u32 i = 0; i < run; i++)
            uart_put(byte_of(content, size, check, at + i));
        at += run;
        if (at == total)
            break;
        if (run < 254)
            at++; /* the zero that the code stands for */
    }
    uart_put(0);
}
