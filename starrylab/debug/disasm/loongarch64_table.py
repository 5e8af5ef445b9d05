"""The instructions of LoongArch64, without privileged ones and vectors.

Source: LoongArch Reference Manual, volume 1, appendix B ("Table of Instruction Encoding").
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

#: an operand's place in the instruction: (lowest bit, bits), upper part first
Places = tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Operand:
    """Where an operand is in an instruction, and what it is."""

    kind: str  #: general, floating, flag, control, unsigned, signed, plus one, offset
    places: Places
    shift: int = 0  #: by which the number is shifted left

    @property
    def mask(self) -> int:
        """The bits of the instruction that are the operand's."""
        return sum((1 << bits) - 1 << low for low, bits in self.places)


def _one(kind: str, low: int, bits: int, shift: int = 0) -> Operand:
    return Operand(kind, ((low, bits),), shift)


#: names of operands in the formats below
OPERANDS: Final = {
    "d": _one("general", 0, 5),
    "j": _one("general", 5, 5),
    "k": _one("general", 10, 5),
    "fd": _one("floating", 0, 5),
    "fj": _one("floating", 5, 5),
    "fk": _one("floating", 10, 5),
    "fa": _one("floating", 15, 5),
    "cd": _one("flag", 0, 3),
    "cj": _one("flag", 5, 3),
    "ca": _one("flag", 15, 3),
    "wd": _one("control", 0, 2),
    "wj": _one("control", 5, 2),
    "hint": _one("unsigned", 0, 5),
    "code": _one("unsigned", 0, 15),
    "u5": _one("unsigned", 10, 5),
    "u6": _one("unsigned", 10, 6),
    "u12": _one("unsigned", 10, 12),
    "m5": _one("unsigned", 16, 5),
    "m6": _one("unsigned", 16, 6),
    "a2": _one("plus one", 15, 2),
    "b2": _one("unsigned", 15, 2),
    "b3": _one("unsigned", 15, 3),
    "s12": _one("signed", 10, 12),
    "s14": _one("signed", 10, 14, 2),
    "s16": _one("signed", 10, 16),
    "s20": _one("signed", 5, 20),
    "o16": _one("offset", 10, 16, 2),
    "o21": Operand("offset", ((0, 5), (10, 16)), 2),
    "o26": Operand("offset", ((0, 10), (10, 16)), 2),
    "i16": _one("signed", 10, 16, 2),
}

#: format -> (encoding with all operands zero, mnemonic) in turn
_FORMATS: Final = {
    "d j": """
        1000 clo.w 1400 clz.w 1800 cto.w 1c00 ctz.w 2000 clo.d 2400 clz.d 2800 cto.d 2c00 ctz.d
        3000 revb.2h 3400 revb.4h 3800 revb.2w 3c00 revb.d 4000 revh.2w 4400 revh.d
        4800 bitrev.4b 4c00 bitrev.8b 5000 bitrev.w 5400 bitrev.d 5800 ext.w.h 5c00 ext.w.b
        6000 rdtimel.w 6400 rdtimeh.w 6800 rdtime.d 6c00 cpucfg
        38578000 llacq.w 38578400 screl.w 38578800 llacq.d 38578c00 screl.d""",
    "d j k": """
        100000 add.w 108000 add.d 110000 sub.w 118000 sub.d 120000 slt 128000 sltu
        130000 maskeqz 138000 masknez 140000 nor 148000 and 150000 or 158000 xor 160000 orn
        168000 andn 170000 sll.w 178000 srl.w 180000 sra.w 188000 sll.d 190000 srl.d 198000 sra.d
        1b0000 rotr.w 1b8000 rotr.d 1c0000 mul.w 1c8000 mulh.w 1d0000 mulh.wu 1d8000 mul.d
        1e0000 mulh.d 1e8000 mulh.du 1f0000 mulw.d.w 1f8000 mulw.d.wu 200000 div.w 208000 mod.w
        210000 div.wu 218000 mod.wu 220000 div.d 228000 mod.d 230000 div.du 238000 mod.du
        240000 crc.w.b.w 248000 crc.w.h.w 250000 crc.w.w.w 258000 crc.w.d.w 260000 crcc.w.b.w
        268000 crcc.w.h.w 270000 crcc.w.w.w 278000 crcc.w.d.w
        38000000 ldx.b 38040000 ldx.h 38080000 ldx.w 380c0000 ldx.d 38100000 stx.b 38140000 stx.h
        38180000 stx.w 381c0000 stx.d 38200000 ldx.bu 38240000 ldx.hu 38280000 ldx.wu""",
    "d k j": """
        38570000 sc.q 38580000 amcas.b 38588000 amcas.h 38590000 amcas.w 38598000 amcas.d
        385a0000 amcas_db.b 385a8000 amcas_db.h 385b0000 amcas_db.w 385b8000 amcas_db.d
        385c0000 amswap.b 385c8000 amswap.h 385d0000 amadd.b 385d8000 amadd.h
        385e0000 amswap_db.b 385e8000 amswap_db.h 385f0000 amadd_db.b 385f8000 amadd_db.h
        38600000 amswap.w 38608000 amswap.d 38610000 amadd.w 38618000 amadd.d 38620000 amand.w
        38628000 amand.d 38630000 amor.w 38638000 amor.d 38640000 amxor.w 38648000 amxor.d
        38650000 ammax.w 38658000 ammax.d 38660000 ammin.w 38668000 ammin.d 38670000 ammax.wu
        38678000 ammax.du 38680000 ammin.wu 38688000 ammin.du 38690000 amswap_db.w
        38698000 amswap_db.d 386a0000 amadd_db.w 386a8000 amadd_db.d 386b0000 amand_db.w
        386b8000 amand_db.d 386c0000 amor_db.w 386c8000 amor_db.d 386d0000 amxor_db.w
        386d8000 amxor_db.d 386e0000 ammax_db.w 386e8000 ammax_db.d 386f0000 ammin_db.w
        386f8000 ammin_db.d 38700000 ammax_db.wu 38708000 ammax_db.du 38710000 ammin_db.wu
        38718000 ammin_db.du""",
    "d j k a2": "40000 alsl.w 60000 alsl.wu 2c0000 alsl.d",
    "d j k b2": "80000 bytepick.w",
    "d j k b3": "c0000 bytepick.d",
    "d j m5 u5": "600000 bstrins.w 608000 bstrpick.w",
    "d j m6 u6": "800000 bstrins.d c00000 bstrpick.d",
    "d j u5": "408000 slli.w 448000 srli.w 488000 srai.w 4c8000 rotri.w",
    "d j u6": "410000 slli.d 450000 srli.d 490000 srai.d 4d0000 rotri.d",
    "d j s12": """
        2000000 slti 2400000 sltui 2800000 addi.w 2c00000 addi.d 3000000 lu52i.d
        28000000 ld.b 28400000 ld.h 28800000 ld.w 28c00000 ld.d 29000000 st.b 29400000 st.h
        29800000 st.w 29c00000 st.d 2a000000 ld.bu 2a400000 ld.hu 2a800000 ld.wu""",
    "d j u12": "3400000 andi 3800000 ori 3c00000 xori",
    "d j s14": """
        20000000 ll.w 21000000 sc.w 22000000 ll.d 23000000 sc.d
        24000000 ldptr.w 25000000 stptr.w 26000000 ldptr.d 27000000 stptr.d""",
    "d j s16": "10000000 addu16i.d",
    "d s20": """
        14000000 lu12i.w 16000000 lu32i.d 18000000 pcaddi 1a000000 pcalau12i
        1c000000 pcaddu12i 1e000000 pcaddu18i""",
    "hint j s12": "2ac00000 preld",
    "hint j k": "382c0000 preldx",
    "code": "2a0000 break 2a8000 dbcl 2b0000 syscall 38720000 dbar 38728000 ibar",
    "j o21": "40000000 beqz 44000000 bnez",
    "cj o21": "48000000 bceqz 48000100 bcnez",
    "d j i16": "4c000000 jirl",
    "o26": "50000000 b 54000000 bl",
    "j d o16": "58000000 beq 5c000000 bne 60000000 blt 64000000 bge 68000000 bltu 6c000000 bgeu",
    "fd fj": """
        1140400 fabs.s 1140800 fabs.d 1141400 fneg.s 1141800 fneg.d 1142400 flogb.s
        1142800 flogb.d 1143400 fclass.s 1143800 fclass.d 1144400 fsqrt.s 1144800 fsqrt.d
        1145400 frecip.s 1145800 frecip.d 1146400 frsqrt.s 1146800 frsqrt.d 1147400 frecipe.s
        1147800 frecipe.d 1148400 frsqrte.s 1148800 frsqrte.d 1149400 fmov.s 1149800 fmov.d
        1191800 fcvt.s.d 1192400 fcvt.d.s 11a0400 ftintrm.w.s 11a0800 ftintrm.w.d
        11a2400 ftintrm.l.s 11a2800 ftintrm.l.d 11a4400 ftintrp.w.s 11a4800 ftintrp.w.d
        11a6400 ftintrp.l.s 11a6800 ftintrp.l.d 11a8400 ftintrz.w.s 11a8800 ftintrz.w.d
        11aa400 ftintrz.l.s 11aa800 ftintrz.l.d 11ac400 ftintrne.w.s 11ac800 ftintrne.w.d
        11ae400 ftintrne.l.s 11ae800 ftintrne.l.d 11b0400 ftint.w.s 11b0800 ftint.w.d
        11b2400 ftint.l.s 11b2800 ftint.l.d 11d1000 ffint.s.w 11d1800 ffint.s.l
        11d2000 ffint.d.w 11d2800 ffint.d.l 11e4400 frint.s 11e4800 frint.d""",
    "fd fj fk": """
        1008000 fadd.s 1010000 fadd.d 1028000 fsub.s 1030000 fsub.d 1048000 fmul.s
        1050000 fmul.d 1068000 fdiv.s 1070000 fdiv.d 1088000 fmax.s 1090000 fmax.d
        10a8000 fmin.s 10b0000 fmin.d 10c8000 fmaxa.s 10d0000 fmaxa.d 10e8000 fmina.s
        10f0000 fmina.d 1108000 fscaleb.s 1110000 fscaleb.d 1128000 fcopysign.s
        1130000 fcopysign.d""",
    "fd fj fk fa": """
        8100000 fmadd.s 8200000 fmadd.d 8500000 fmsub.s 8600000 fmsub.d
        8900000 fnmadd.s 8a00000 fnmadd.d 8d00000 fnmsub.s 8e00000 fnmsub.d""",
    "fd fj fk ca": "d000000 fsel",
    "fd j s12": "2b000000 fld.s 2b400000 fst.s 2b800000 fld.d 2bc00000 fst.d",
    "fd j k": "38300000 fldx.s 38340000 fldx.d 38380000 fstx.s 383c0000 fstx.d",
    "fd j": "114a400 movgr2fr.w 114a800 movgr2fr.d 114ac00 movgr2frh.w",
    "d fj": "114b400 movfr2gr.s 114b800 movfr2gr.d 114bc00 movfrh2gr.s",
    "wd j": "114c000 movgr2fcsr",
    "d wj": "114c800 movfcsr2gr",
    "cd fj": "114d000 movfr2cf",
    "fd cj": "114d400 movcf2fr",
    "cd j": "114d800 movgr2cf",
    "d cj": "114dc00 movcf2gr",
}  # fmt: skip
#: conditions of fcmp, by number; those that are missing are none
_CONDITIONS: Final = {
    0x00: "caf", 0x01: "saf", 0x02: "clt", 0x03: "slt", 0x04: "ceq", 0x05: "seq", 0x06: "cle",
    0x07: "sle", 0x08: "cun", 0x09: "sun", 0x0A: "cult", 0x0B: "sult", 0x0C: "cueq",
    0x0D: "sueq", 0x0E: "cule", 0x0F: "sule", 0x10: "cne", 0x11: "sne", 0x14: "cor",
    0x15: "sor", 0x18: "cune", 0x19: "sune",
}  # fmt: skip
_COMPARE: Final = {0x0C10_0000: "s", 0x0C20_0000: "d"}

Row = tuple[str, tuple[Operand, ...]]


def _rows() -> dict[int, dict[int, Row]]:
    """Return mask of the bits that are no operand's -> encoding -> mnemonic and operands."""
    found: dict[int, dict[int, Row]] = {}
    for form, text in _FORMATS.items():
        operands = tuple(OPERANDS[name] for name in form.split())
        words = text.split()
        for encoding, mnemonic in zip(words[::2], words[1::2], strict=True):
            _enter(found, int(encoding, 16), mnemonic, operands)
    operands = OPERANDS["cd"], OPERANDS["fj"], OPERANDS["fk"]
    for base, size in _COMPARE.items():
        for number, condition in _CONDITIONS.items():
            _enter(found, base | number << 15, f"fcmp.{condition}.{size}", operands)
    return found


def _enter(
    found: dict[int, dict[int, Row]], encoding: int, mnemonic: str, operands: tuple[Operand, ...]
) -> None:
    mask = 0xFFFF_FFFF
    for operand in operands:
        mask &= ~operand.mask
    found.setdefault(mask, {})[encoding] = mnemonic, operands


ROWS: Final = _rows()
