/* Start, and the way into user mode and back. */
#include "config.h"
#include "context.h"

#define DIRECT_MAP_SHIFT 38     /* the upper half of Sv39 is a direct map of 256 GiB */
#define LEAF 0xcf               /* V R W X A D */
#define MEMORY_START 40         /* offsets in struct config, checked in riscv64.c */
#define MEMORY_SIZE 48

    .section .head, "ax"
    .globl _start
_start:                         /* the header that booti wants; Linux Documentation/arch/riscv */
    c.li s4, -13                /* "MZ", and harmless */
    j start
    .balign 8
    .dword 0x200000             /* text_offset: where in RAM, from its start */
    .dword image_end - _start
    .dword 0                    /* little endian */
    .word 2                     /* version 0.2 */
    .word 0
    .dword 0
    .ascii "RISCV\0\0\0"
    .ascii "RSC\005"
    .word 0
    .org CONFIG_OFFSET
    .globl config
config:
    .ascii CONFIG_MAGIC
    .space CONFIG_SIZE - 8

/* By booti: a0 = hart, a1 = device tree. By go: a0 = argc, a1 = argv. No paging. */
start:
    fence.i
    csrw sie, zero
    csrci sstatus, 2
    lla t0, bss_start
    lla t1, image_end
1:  bgeu t0, t1, 2f
    sd zero, (t0)
    addi t0, t0, 8
    j 1b
2:  /* The root table is the last page of memory, the stack is below. */
    lla t0, config
    ld t1, MEMORY_START(t0)
    ld t0, MEMORY_SIZE(t0)
    add t0, t0, t1
    li t1, -4096
    add t0, t0, t1
    mv sp, t0
    /* Lower half: this gigabyte, until the jump. Upper half: everything, 1 GiB an entry. */
    li t1, 0
    li t2, 512
    mv t3, t0
1:  sd zero, (t3)
    addi t3, t3, 8
    addi t2, t2, -1
    bnez t2, 1b
    li t2, 256
    li t5, 2048
    add t3, t0, t5
    li t5, 1 << 28
1:  ori t4, t1, LEAF
    sd t4, (t3)
    add t1, t1, t5
    addi t3, t3, 8
    addi t2, t2, -1
    bnez t2, 1b
    lla t1, _start
    srli t1, t1, 30
    slli t2, t1, 28
    ori t2, t2, LEAF
    slli t1, t1, 3
    add s2, t0, t1
    sd t2, (s2)
    srli t2, t0, 12
    li t3, 8
    slli t3, t3, 60
    or t2, t2, t3
    sfence.vma
    csrw satp, t2
    sfence.vma
    li t3, -1
    slli t3, t3, DIRECT_MAP_SHIFT
    add sp, sp, t3
    add s2, s2, t3
    lla t4, 3f
    add t4, t4, t3
    jr t4
3:  sd zero, (s2)
    sfence.vma
    lla t0, monitor_trap
    csrw stvec, t0
    call monitor_main
4:  j 4b

/* A trap of the monitor's own: never of an interrupt, they are off. */
    .balign 4
monitor_trap:
    lla t0, config
    ld t1, MEMORY_START(t0)
    ld sp, MEMORY_SIZE(t0)
    add sp, sp, t1
    li t1, -1
    slli t1, t1, DIRECT_MAP_SHIFT
    add sp, sp, t1
    li t1, -4096
    add sp, sp, t1
    csrr a0, scause
    csrr a1, stval
    csrr a2, sepc
    call monitor_fault

#define EACH_SAVED(X) X(ra,0) X(gp,8) X(tp,16) X(s0,24) X(s1,32) X(s2,40) X(s3,48) X(s4,56) \
    X(s5,64) X(s6,72) X(s7,80) X(s8,88) X(s9,96) X(s10,104) X(s11,112)
#define EACH_F .irp i,0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
#define EACH_R .irp i,1,2,3,4,5,6,7,8,9,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
#define SAVE(r, at) sd r, at(sp);
#define LOAD(r, at) ld r, at(sp);

/* void arch_run(struct context *context) */
    .text
    .globl arch_run
arch_run:
    addi sp, sp, -128
    EACH_SAVED(SAVE)
    sd sp, CONTEXT_STACK(a0)
    csrw sscratch, a0
    lla t0, user_trap
    csrw stvec, t0
    ld t0, CONTEXT_PC(a0)
    csrw sepc, t0
    ld t0, CONTEXT_STATUS(a0)
    csrw sstatus, t0
    .option push
    .option arch, +d
    EACH_F
    fld f\i, (CONTEXT_F + CONTEXT_F_STRIDE * \i)(a0)
    .endr
    ld t0, CONTEXT_FCSR(a0)
    fscsr t0
    .option pop
    EACH_R
    ld x\i, (8 * \i)(a0)
    .endr
    ld a0, 80(a0)
    sret

    .balign 4
user_trap:
    csrrw a0, sscratch, a0
    EACH_R
    sd x\i, (8 * \i)(a0)
    .endr
    csrr t0, sscratch
    sd t0, 80(a0)
    csrr t0, sepc
    sd t0, CONTEXT_PC(a0)
    csrr t0, scause
    sd t0, CONTEXT_CAUSE(a0)
    csrr t0, stval
    sd t0, CONTEXT_ADDRESS(a0)
    .option push
    .option arch, +d
    EACH_F
    fsd f\i, (CONTEXT_F + CONTEXT_F_STRIDE * \i)(a0)
    .endr
    frcsr t0
    sd t0, CONTEXT_FCSR(a0)
    .option pop
    lla t0, monitor_trap
    csrw stvec, t0
    ld sp, CONTEXT_STACK(a0)
    EACH_SAVED(LOAD)
    addi sp, sp, 128
    ret
