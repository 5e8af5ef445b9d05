/* A thread's registers, as trap code in assembly and everybody else see them. */
#pragma once

#define CONTEXT_PC 256
#define CONTEXT_STATUS 264  /* riscv64: sstatus */
#define CONTEXT_CAUSE 272   /* scause, ESTAT */
#define CONTEXT_ADDRESS 280 /* stval, BADV */
#define CONTEXT_WORD 288    /* loongarch64: BADI, the instruction */
#define CONTEXT_STACK 296   /* the monitor's */
#define CONTEXT_VECTOR 304  /* loongarch64: LSX registers are in use */
#define CONTEXT_FCSR 312
#define CONTEXT_FCC 320     /* loongarch64: eight flags, a byte each */
#define CONTEXT_F 336
#define CONTEXT_F_STRIDE 16 /* room for a vector register */

#ifndef __ASSEMBLER__
#include "types.h"

struct context {
    u64 r[32];
    u64 pc, status, cause, address, word, stack, vector, fcsr;
    u8 fcc[16];
    u64 f[32][2];
    u64 said[32]; /* what the host was told last, by wire number */
};
#endif
