"""The UART model, register by register (PC16550D data sheet)."""

import pytest

from starrylab.devices.mmio import models
from starrylab.devices.uart16550 import BI_BIT, FE_BIT, PE_BIT, Uart16550

RTS = 0x02


class Bench:
    """A chip with its interrupt line and its wire watched."""

    def __init__(self, **options):
        self.sent = b""
        self.levels = []
        self.uart = Uart16550(self.levels.append, transmit=self.take, **options)
        self.uart.write8(4, RTS)

    def take(self, data):
        self.sent += data

    @property
    def irq(self):
        return bool(self.levels) and self.levels[-1]


@pytest.fixture
def bench():
    return Bench()


def test_compatible_strings_lead_to_the_model():
    assert models()["ns16550a"] is Uart16550


def test_reset_state(bench):
    assert [bench.uart.read8(r) for r in (1, 2, 3, 5, 7)] == [0, 0x01, 0, 0x60, 0]


def test_scratch_register_keeps_a_byte(bench):
    bench.uart.write8(7, 0x1A5)
    assert bench.uart.read8(7) == 0xA5


def test_divisor_latch_hides_data_and_interrupt_enable(bench):
    bench.uart.write8(3, 0x80)
    bench.uart.write8(0, 0x34)
    bench.uart.write8(1, 0x12)
    assert (bench.uart.read8(0), bench.uart.read8(1)) == (0x34, 0x12)
    bench.uart.write8(3, 0x03)
    assert bench.uart.baud_divisor == 0x1234
    assert bench.uart.read8(1) == 0
    assert bench.sent == b""


def test_received_bytes_come_in_order_with_an_interrupt(bench):
    bench.uart.write8(2, 0x81)
    bench.uart.write8(1, 0x01)
    bench.uart.receive(b"ab")
    assert bench.irq
    assert bench.uart.read8(2) == 0xCC  # below the trigger level: the time-out interrupt
    assert bench.uart.read8(5) & 1
    assert bytes([bench.uart.read8(0), bench.uart.read8(0)]) == b"ab"
    assert not bench.irq
    assert not bench.uart.read8(5) & 1


def test_trigger_level_gives_the_data_interrupt(bench):
    bench.uart.write8(2, 0x81)  # 8 bytes
    bench.uart.write8(1, 0x01)
    bench.uart.receive(b"12345678")
    assert bench.uart.read8(2) == 0xC4


def test_transmit_interrupt_ends_by_reading_iir(bench):
    bench.uart.write8(1, 0x02)
    assert bench.irq
    assert bench.uart.read8(2) == 0x02
    assert bench.uart.read8(2) == 0x01
    bench.uart.write8(0, ord("x"))
    assert bench.sent == b"x"
    assert bench.irq


def test_a_held_line_fills_the_fifo_and_no_more(bench):
    bench.uart.write8(2, 0x01)
    bench.uart.hold(True)
    assert bench.uart.write_burst(0, b"x" * 20) == 16
    assert not bench.uart.read8(5) & 0x20
    assert bench.sent == b""
    bench.uart.write8(1, 0x02)
    bench.uart.hold(False)
    assert bench.sent == b"x" * 16
    assert bench.irq


def test_overrun_when_the_other_end_does_not_wait():
    bench = Bench(paced=False)
    bench.uart.write8(2, 0x01)
    bench.uart.receive(b"0123456789abcdefOVER")
    assert bench.uart.read8(5) & 0x02
    assert not bench.uart.read8(5) & 0x02
    assert bench.uart.read_burst(0, 100) == b"0123456789abcdef"


def test_a_paced_line_waits_for_rts_and_room():
    bench = Bench()
    bench.uart.write8(2, 0x01)
    bench.uart.write8(4, 0)
    bench.uart.receive(b"x" * 40)
    assert not bench.uart.read8(5) & 1
    bench.uart.write8(4, RTS)
    assert bench.uart.read_burst(0, 1000) == b"x" * 40


def test_errors_show_with_their_byte_and_stop_a_burst(bench):
    bench.uart.write8(2, 0x01)
    bench.uart.write8(1, 0x05)
    bench.uart.receive(b"ab")
    bench.uart.receive_bad(ord("c"), PE_BIT | FE_BIT)
    bench.uart.receive(b"d")
    assert bench.uart.read_burst(0, 9) == b"ab"
    assert bench.uart.read8(2) & 0x0F == 0x06  # line status has the highest priority
    assert bench.uart.read8(5) & 0x1E == PE_BIT | FE_BIT
    assert bench.uart.read_burst(0, 9) == b"cd"


def test_break_is_a_zero_byte_with_the_break_bit(bench):
    bench.uart.receive_bad(0, BI_BIT)
    assert bench.uart.read8(5) & BI_BIT
    assert bench.uart.read8(0) == 0


def test_loop_mode_sends_to_itself(bench):
    bench.uart.write8(2, 0x01)
    bench.uart.write8(4, 0x1B)
    bench.uart.write8(0, ord("l"))
    assert bench.sent == b""
    assert bench.uart.read8(0) == ord("l")
    assert bench.uart.read8(6) == 0xB0


def test_modem_deltas_end_by_reading(bench):
    bench.uart.write8(1, 0x08)
    bench.uart.set_modem(cts=False)
    assert bench.irq
    assert bench.uart.read8(6) == 0xA1
    assert bench.uart.read8(6) == 0xA0
    assert not bench.irq


def test_fifo_reset_bits_empty_it(bench):
    bench.uart.write8(2, 0x01)
    bench.uart.receive(b"gone")
    bench.uart.write8(2, 0x03)
    assert not bench.uart.read8(5) & 1
