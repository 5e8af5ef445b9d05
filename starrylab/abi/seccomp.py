"""seccomp(2) and classic BPF (<linux/seccomp.h>, <linux/filter.h>, <linux/bpf_common.h>)."""

from __future__ import annotations

from typing import Final

SECCOMP_MODE_DISABLED: Final = 0
SECCOMP_MODE_STRICT: Final = 1
SECCOMP_MODE_FILTER: Final = 2

SECCOMP_SET_MODE_STRICT: Final = 0
SECCOMP_SET_MODE_FILTER: Final = 1
SECCOMP_GET_ACTION_AVAIL: Final = 2
SECCOMP_GET_NOTIF_SIZES: Final = 3

SECCOMP_FILTER_FLAG_TSYNC: Final = 1
SECCOMP_FILTER_FLAG_LOG: Final = 2
SECCOMP_FILTER_FLAG_SPEC_ALLOW: Final = 4
SECCOMP_FILTER_FLAG_NEW_LISTENER: Final = 8
SECCOMP_FILTER_FLAG_TSYNC_ESRCH: Final = 16
SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV: Final = 32

SECCOMP_RET_KILL_PROCESS: Final = 0x8000_0000
SECCOMP_RET_KILL_THREAD: Final = 0
SECCOMP_RET_TRAP: Final = 0x0003_0000
SECCOMP_RET_ERRNO: Final = 0x0005_0000
SECCOMP_RET_USER_NOTIF: Final = 0x7FC0_0000
SECCOMP_RET_TRACE: Final = 0x7FF0_0000
SECCOMP_RET_LOG: Final = 0x7FFC_0000
SECCOMP_RET_ALLOW: Final = 0x7FFF_0000
SECCOMP_RET_ACTION_FULL: Final = 0xFFFF_0000
SECCOMP_RET_DATA: Final = 0xFFFF

#: What a filter may return; another action counts as SECCOMP_RET_KILL_PROCESS.
ACTIONS: Final = (
    SECCOMP_RET_KILL_PROCESS, SECCOMP_RET_KILL_THREAD, SECCOMP_RET_TRAP, SECCOMP_RET_ERRNO,
    SECCOMP_RET_USER_NOTIF, SECCOMP_RET_TRACE, SECCOMP_RET_LOG, SECCOMP_RET_ALLOW,
)  # fmt: skip

SECCOMP_DATA_SIZE: Final = 64  #: struct seccomp_data
BPF_MAXINSNS: Final = 4096
BPF_MEMWORDS: Final = 16

# Instruction classes, and what an instruction is made of.
BPF_LD: Final = 0x00
BPF_LDX: Final = 0x01
BPF_ST: Final = 0x02
BPF_STX: Final = 0x03
BPF_ALU: Final = 0x04
BPF_JMP: Final = 0x05
BPF_RET: Final = 0x06
BPF_MISC: Final = 0x07

BPF_IMM: Final = 0x00
BPF_ABS: Final = 0x20
BPF_MEM: Final = 0x60
BPF_LEN: Final = 0x80

BPF_ADD: Final = 0x00
BPF_SUB: Final = 0x10
BPF_MUL: Final = 0x20
BPF_DIV: Final = 0x30
BPF_OR: Final = 0x40
BPF_AND: Final = 0x50
BPF_LSH: Final = 0x60
BPF_RSH: Final = 0x70
BPF_NEG: Final = 0x80
BPF_XOR: Final = 0xA0

BPF_JA: Final = 0x00
BPF_JEQ: Final = 0x10
BPF_JGT: Final = 0x20
BPF_JGE: Final = 0x30
BPF_JSET: Final = 0x40

BPF_K: Final = 0x00
BPF_X: Final = 0x08
BPF_A: Final = 0x10
BPF_TAX: Final = 0x00
BPF_TXA: Final = 0x80
