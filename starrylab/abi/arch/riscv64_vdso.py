"""riscv64: the code of the vDSO (vdso(7); arch/riscv/kernel/vdso of Linux).

A program reads its clocks here without a system call, from the time counter and a page of
offsets (``[vvar]``, the page below this one: see `starrylab.abi.vdso`).  Clocks that this page
does not have, and hosts without a counter, take the system call.

One line an instruction: its bytes, a label, and what an assembler makes these bytes of; a test
asks one.  Code must lie in the vDSO's first page, from which it finds the page below.
"""

from __future__ import annotations

from typing import Final

#: Lines before the first function are no function's.  There has to be one: unwinders look up the
#: place before a return address, and handlers return to the start of __vdso_rt_sigreturn.
LISTING: Final = """
    13000000              nop
__vdso_rt_sigreturn:
    9308b008              li a7, 139
    73000000              ecall
__vdso_clock_gettime:
    97f2ffff              auipc t0, 0xfffff
    93d2c200              srli t0, t0, 12
    9392c200              slli t0, t0, 12
    1303c000              li t1, 12
    637e6504              bgeu a0, t1, 2f
    03a30200          1:  lw t1, 0(t0)
    0f002002              fence r, r
    83a34200              lw t2, 4(t0)
    bbd3a300              srlw t2, t2, a0
    93f31300              andi t2, t2, 1
    63820304              beqz t2, 2f
    93133500              slli t2, a0, 3
    b3835300              add t2, t2, t0
    83b30301              ld t2, 16(t2)
    732e10c0              rdtime t3
    b383c301              add t2, t2, t3
    0f002002              fence r, r
    03ae0200              lw t3, 0(t0)
    e3166efc              bne t3, t1, 1b
    37d39a3b 1b0303a0     li t1, 1000000000
    33de6302              divu t3, t2, t1
    b3f36302              remu t2, t2, t1
    23b0c501              sd t3, 0(a1)
    23b47500              sd t2, 8(a1)
    13050000              li a0, 0
    67800000              ret
    93081007          2:  li a7, 113
    73000000              ecall
    67800000              ret
__vdso_gettimeofday:
    97f2ffff              auipc t0, 0xfffff
    93d2c200              srli t0, t0, 12
    9392c200              slli t0, t0, 12
    03a30200          1:  lw t1, 0(t0)
    0f002002              fence r, r
    83a34200              lw t2, 4(t0)
    93f31300              andi t2, t2, 1
    638a0304              beqz t2, 4f
    83b30201              ld t2, 16(t0)
    732e10c0              rdtime t3
    b383c301              add t2, t2, t3
    0f002002              fence r, r
    03ae0200              lw t3, 0(t0)
    e31c6efc              bne t3, t1, 1b
    63020502              beqz a0, 2f
    37d39a3b 1b0303a0     li t1, 1000000000
    33de6302              divu t3, t2, t1
    b3f36302              remu t2, t2, t1
    1303803e              li t1, 1000
    b3d36302              divu t2, t2, t1
    2330c501              sd t3, 0(a0)
    23347500              sd t2, 8(a0)
    63860500          2:  beqz a1, 3f
    23a00500              sw zero, 0(a1)
    23a20500              sw zero, 4(a1)
    13050000          3:  li a0, 0
    67800000              ret
    9308900a          4:  li a7, 169
    73000000              ecall
    67800000              ret
__vdso_clock_getres:
    97f2ffff              auipc t0, 0xfffff
    93d2c200              srli t0, t0, 12
    9392c200              slli t0, t0, 12
    1303c000              li t1, 12
    63706504              bgeu a0, t1, 3f
    83a34200              lw t2, 4(t0)
    bbd3a300              srlw t2, t2, a0
    93f31300              andi t2, t2, 1
    63880302              beqz t2, 3f
    63820502              beqz a1, 2f
    13031000              li t1, 1
    83a38200              lw t2, 8(t0)
    bbd3a300              srlw t2, t2, a0
    93f31300              andi t2, t2, 1
    63840300              beqz t2, 1f
    03a3c200              lw t1, 12(t0)
    23b00500          1:  sd zero, 0(a1)
    23b46500              sd t1, 8(a1)
    13050000          2:  li a0, 0
    67800000              ret
    93082007          3:  li a7, 114
    73000000              ecall
    67800000              ret
__vdso_getcpu:
    9308800a              li a7, 168
    73000000              ecall
    67800000              ret
__vdso_flush_icache:
    93083010              li a7, 259
    73000000              ecall
    67800000              ret
__vdso_riscv_hwprobe:
    b362d600              or t0, a2, a3
    b3e2e200              or t0, t0, a4
    63980206              bnez t0, 4f
    97f2ffff              auipc t0, 0xfffff
    93d2c200              srli t0, t0, 12
    9392c200              slli t0, t0, 12
    03b30207              ld t1, 112(t0)
    630e0304              beqz t1, 4f
    93954500              slli a1, a1, 4
    b305b500              add a1, a0, a1
    6374b504          1:  bgeu a0, a1, 3f
    83330500              ld t2, 0(a0)
    130e0001              li t3, 16
    63f4c303              bgeu t2, t3, 2f
    b35e7300              srl t4, t1, t2
    93fe1e00              andi t4, t4, 1
    638e0e00              beqz t4, 2f
    93933300              slli t2, t2, 3
    b3835300              add t2, t2, t0
    83b38307              ld t2, 120(t2)
    23347500              sd t2, 8(a0)
    13050501              addi a0, a0, 16
    6ff01ffd              j 1b
    9303f0ff          2:  li t2, -1
    23307500              sd t2, 0(a0)
    23340500              sd zero, 8(a0)
    13050501              addi a0, a0, 16
    6ff0dffb              j 1b
    13050000          3:  li a0, 0
    67800000              ret
    93082010          4:  li a7, 258
    73000000              ecall
    67800000              ret
"""
