#pragma once
#include "monitor.h"

/* A load or store that is not aligned, as its instruction says. */
struct access {
    u8 size;     /* bytes; 0: not one that can be done in pieces */
    u8 store;
    u8 sign;     /* extend it */
    u8 floating; /* f or vector registers */
    u8 number;   /* of the register */
};
struct access unaligned_decode(u32 word);

/* Do it, byte by byte. Returns why not, or CAUSE_NONE. */
u32 unaligned(struct space *space, struct context *context, u64 *address);
