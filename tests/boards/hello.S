# Says hello by SBI's console, whether a1 has a device tree, and restarts the board.
.globl _start
_start:
    la    s0, with
    lwu   t0, 0(a1)
    li    t1, 0xedfe0dd0
    beq   t0, t1, 1f
    la    s0, without
1:  lbu   a0, 0(s0)
    beqz  a0, 2f
    li    a7, 1
    ecall
    addi  s0, s0, 1
    j     1b
2:  li    a7, 0x53525354
    li    a6, 0
    li    a0, 1
    li    a1, 0
    ecall
3:  j     3b
.section .rodata
with:    .asciz "hello, with a device tree\r\n"
without: .asciz "hello, without\r\n"
