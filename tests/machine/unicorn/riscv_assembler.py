"""Encodes the few RISC-V instructions that the tests use (volume I, chapter 34)."""

from __future__ import annotations

import struct

ZERO, RA, SP, GP, TP = range(5)
A0, A1, A2, A3, A4, A5, A6, A7 = range(10, 18)
S0, S1, S2, S3 = 8, 9, 18, 19
T0, T1, T2 = 5, 6, 7

ECALL = 0x73
EBREAK = 0x0010_0073
FENCE_I = 0x100F
ILLEGAL = 0xFFFF_FFFF
C_EBREAK = 0x9002


def code(*words: int) -> bytes:
    return struct.pack(f"<{len(words)}I", *words)


def _i(imm, rs1, funct3, rd, opcode):
    return (imm & 0xFFF) << 20 | rs1 << 15 | funct3 << 12 | rd << 7 | opcode


def _s(imm, rs2, rs1, funct3, opcode):
    return (imm >> 5 & 0x7F) << 25 | rs2 << 20 | rs1 << 15 | funct3 << 12 | (imm & 31) << 7 | opcode


def _r(funct7, rs2, rs1, funct3, rd, opcode):
    return funct7 << 25 | rs2 << 20 | rs1 << 15 | funct3 << 12 | rd << 7 | opcode


def addi(rd, rs1, imm):
    return _i(imm, rs1, 0, rd, 0x13)


def add(rd, rs1, rs2):
    return _r(0, rs2, rs1, 0, rd, 0x33)


def ld(rd, rs1, imm=0):
    return _i(imm, rs1, 3, rd, 0x03)


def sd(rs2, rs1, imm=0):
    return _s(imm, rs2, rs1, 3, 0x23)


def sw(rs2, rs1, imm=0):
    return _s(imm, rs2, rs1, 2, 0x23)


def fld(fd, rs1, imm=0):
    return _i(imm, rs1, 3, fd, 0x07)


def fsd(fs, rs1, imm=0):
    return _s(imm, fs, rs1, 3, 0x27)


def fdiv_d(fd, fs1, fs2):
    return _r(0x0D, fs2, fs1, 7, fd, 0x53)


def jalr(rd, rs1, imm=0):
    return _i(imm, rs1, 0, rd, 0x67)


def bne(rs1, rs2, offset):
    return (
        (offset >> 12 & 1) << 31
        | (offset >> 5 & 0x3F) << 25
        | rs2 << 20
        | rs1 << 15
        | 1 << 12
        | (offset >> 1 & 15) << 8
        | (offset >> 11 & 1) << 7
        | 0x63
    )


def jump(offset):
    return (
        (offset >> 20 & 1) << 31
        | (offset >> 1 & 0x3FF) << 21
        | (offset >> 11 & 1) << 20
        | (offset >> 12 & 0xFF) << 12
        | 0x6F
    )


def amoadd_d(rd, rs2, rs1):
    return _r(0, rs2, rs1, 3, rd, 0x2F)


def lr_d(rd, rs1):
    return _r(0x08, 0, rs1, 3, rd, 0x2F)


def sc_d(rd, rs2, rs1):
    return _r(0x0C, rs2, rs1, 3, rd, 0x2F)


def csrrw(rd, csr, rs1):
    return _i(csr, rs1, 1, rd, 0x73)


def csrrs(rd, csr, rs1):
    return _i(csr, rs1, 2, rd, 0x73)
