/* Start, TLB refill, and the way into user mode and back. LoongArch Reference Manual volume 1. */
#include "config.h"
#include "context.h"

#define CSR_CRMD 0x0
#define CSR_PRMD 0x1
#define CSR_EUEN 0x2
#define CSR_ECFG 0x4
#define CSR_ESTAT 0x5
#define CSR_ERA 0x6
#define CSR_BADV 0x7
#define CSR_BADI 0x8
#define CSR_EENTRY 0xc
#define CSR_PGD 0x1b
#define CSR_SAVE0 0x30
#define CSR_DMW0 0x180
#define CSR_DMW1 0x181
#define CSR_TLBRENTRY 0x88
#define CSR_TLBRSAVE 0x8b

#define UNCACHED 0x8000000000000001 /* windows for PLV0 alone: boot loaders leave them open to all */
#define CACHED 0x9000000000000011
#define CACHED_BASE 0x9000000000000000
#define PHYSICAL 0x0000ffffffffffff
#define PAGING 0xb0             /* PLV0, no interrupts, paging, coherent cached */
#define USER 7                  /* PLV3, interrupts */
#define MEMORY_START 40         /* offsets in struct config, checked in loongarch64.c */
#define MEMORY_SIZE 48

    .section .head, "ax"
    .globl _start
_start:
    b start
    .org CONFIG_OFFSET
    .globl config
config:
    .ascii CONFIG_MAGIC
    .space CONFIG_SIZE - 8

start:
    csrwr $zero, CSR_ECFG
    ibar 0
    move $s0, $a0
    move $s1, $a1
    li.d $t0, UNCACHED
    csrwr $t0, CSR_DMW0
    li.d $t0, CACHED
    csrwr $t0, CSR_DMW1
    la.local $t0, 1f            /* go on in the cached window, wherever we are */
    li.d $t1, PHYSICAL
    and $t0, $t0, $t1
    li.d $t1, CACHED_BASE
    or $t0, $t0, $t1
    jr $t0
1:  li.w $t0, PAGING
    csrwr $t0, CSR_CRMD
    la.local $t0, bss_start
    la.local $t1, image_end
2:  bgeu $t0, $t1, 3f
    st.d $zero, $t0, 0
    addi.d $t0, $t0, 8
    b 2b
3:  csrwr $zero, CSR_SAVE0       /* no context: a trap is the monitor's own */
    la.local $t0, trap
    csrwr $t0, CSR_EENTRY
    la.local $t0, refill
    li.d $t1, PHYSICAL
    and $t0, $t0, $t1
    csrwr $t0, CSR_TLBRENTRY
    csrrd $t0, CSR_EUEN
    ori $t0, $t0, 1             /* floating point */
    csrwr $t0, CSR_EUEN
    la.local $t0, stack_top
    jirl $ra, $t0, 0
    move $a0, $s0
    move $a1, $s1
    bl monitor_main
4:  b 4b

/* Set the stack: below the last page of memory, as on riscv64. */
stack_top:
    la.local $t0, config
    ld.d $t1, $t0, MEMORY_START
    ld.d $t0, $t0, MEMORY_SIZE
    add.d $t0, $t0, $t1
    li.d $t1, CACHED_BASE
    or $t0, $t0, $t1
    li.w $t1, -4096
    add.d $sp, $t0, $t1
    jr $ra

monitor_trap:
    bl stack_top
    csrrd $a0, CSR_ESTAT
    csrrd $a1, CSR_BADV
    csrrd $a2, CSR_ERA
    bl monitor_fault

#define EACH_SAVED(X) X($ra,0) X($tp,8) X($r21,16) X($fp,24) X($s0,32) X($s1,40) X($s2,48) \
    X($s3,56) X($s4,64) X($s5,72) X($s6,80) X($s7,88) X($s8,96)
#define EACH_32 .irp i,0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
#define EACH_8 .irp i,0,1,2,3,4,5,6,7
#define EACH_R .irp i,1,2,3,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
#define SAVE(r, at) st.d r, $sp, at;
#define LOAD(r, at) ld.d r, $sp, at;
/* vld and vst of $vr\i, [$a0 + CONTEXT_F + 16 * \i], for assemblers without LSX */
#define F_AT(i) (CONTEXT_F + CONTEXT_F_STRIDE * i)
#define VLD(i) .word 0x2c000000 | F_AT(i) << 10 | 4 << 5 | i
#define VST(i) .word 0x2c400000 | F_AT(i) << 10 | 4 << 5 | i

/* void arch_run(struct context *context) */
    .text
    .globl arch_run
arch_run:
    addi.d $sp, $sp, -128
    EACH_SAVED(SAVE)
    st.d $sp, $a0, CONTEXT_STACK
    move $t0, $a0
    csrwr $t0, CSR_SAVE0
    ld.d $t0, $a0, CONTEXT_PC
    csrwr $t0, CSR_ERA
    li.w $t0, USER
    csrwr $t0, CSR_PRMD
    ld.d $t0, $a0, CONTEXT_FCSR
    movgr2fcsr $fcsr0, $t0
    EACH_8
    ld.bu $t0, $a0, CONTEXT_FCC + \i
    movgr2cf $fcc\i, $t0
    .endr
    ld.d $t0, $a0, CONTEXT_VECTOR
    bnez $t0, 1f
    csrrd $t0, CSR_EUEN
    bstrins.d $t0, $zero, 1, 1
    csrwr $t0, CSR_EUEN
    EACH_32
    fld.d $f\i, $a0, F_AT(\i)
    .endr
    b 2f
1:  csrrd $t0, CSR_EUEN
    ori $t0, $t0, 2
    csrwr $t0, CSR_EUEN
    EACH_32
    VLD(\i)
    .endr
2:  EACH_R
    ld.d $r\i, $a0, 8 * \i
    .endr
    ld.d $a0, $a0, 32
    ertn

/* The linker script puts this where nothing is lost by its alignment. */
    .section .entries, "ax"
    .balign 4096                /* TLBRENTRY and EENTRY have no lower bits */
refill:                         /* tables that lead nowhere lead to invalid entries: no branches */
    csrwr $t0, CSR_TLBRSAVE
    csrrd $t0, CSR_PGD
    lddir $t0, $t0, 2
    lddir $t0, $t0, 1
    ldpte $t0, 0
    ldpte $t0, 1
    tlbfill
    csrrd $t0, CSR_TLBRSAVE
    ertn

    .balign 4096
trap:
    csrwr $a0, CSR_SAVE0        /* a0 = context, SAVE0 = the user's a0 */
    beqz $a0, monitor_trap
    EACH_R
    st.d $r\i, $a0, 8 * \i
    .endr
    move $t0, $zero
    csrwr $t0, CSR_SAVE0
    st.d $t0, $a0, 32
    csrrd $t0, CSR_ERA
    st.d $t0, $a0, CONTEXT_PC
    csrrd $t0, CSR_ESTAT
    st.d $t0, $a0, CONTEXT_CAUSE
    csrrd $t0, CSR_BADV
    st.d $t0, $a0, CONTEXT_ADDRESS
    csrrd $t0, CSR_BADI
    st.d $t0, $a0, CONTEXT_WORD
    movfcsr2gr $t0, $fcsr0
    st.d $t0, $a0, CONTEXT_FCSR
    EACH_8
    movcf2gr $t0, $fcc\i
    st.b $t0, $a0, CONTEXT_FCC + \i
    .endr
    ld.d $t0, $a0, CONTEXT_VECTOR
    bnez $t0, 1f
    EACH_32
    fst.d $f\i, $a0, F_AT(\i)
    .endr
    b 2f
1:  EACH_32
    VST(\i)
    .endr
2:  ld.d $sp, $a0, CONTEXT_STACK
    EACH_SAVED(LOAD)
    addi.d $sp, $sp, 128
    jr $ra
