/* A polled 16550. The line is half duplex: while user code runs nobody listens, and the host knows.
   Registers: PC16550D data sheet; the JH7110 has Synopsys' DW_apb_uart. */
#include "monitor.h"

enum { DATA = 0, DIVISOR_LOW = 0, IER = 1, DIVISOR_HIGH = 1, FCR = 2, LCR = 3, LSR = 5 };
enum { LSR_READY = 1, LSR_OVERRUN = 2, LSR_FRAMING = 8, LSR_BREAK = 16, LSR_ROOM = 32, LSR_IDLE = 64 };
enum { LCR_8N1 = 3, LCR_DIVISOR = 0x80, FCR_ON = 0xc7, FCR_RESET = 6 };
enum { TRIES = 1000, ERRORS_LIMIT = 64 };

u32 uart_baud;
u64 uart_overruns;
static u64 base;
static u32 errors;        /* in a row: the host may have another rate */
static u64 trial_end;     /* until when a new rate has to prove itself; 0: it has */
static u32 baud_before;

static u32 load(u32 number) {
    u64 at = base + ((u64)number << config.uart_shift);
    return config.uart_width == 4 ? *(volatile u32 *)at : *(volatile u8 *)at;
}

static void store(u32 number, u32 value) {
    u64 at = base + ((u64)number << config.uart_shift);
    if (config.uart_width == 4)
        *(volatile u32 *)at = value;
    else
        *(volatile u8 *)at = (u8)value;
}

/* DW_apb_uart ignores writes to LCR while it is busy; so look whether it took (as Linux'
   dw8250_check_lcr), and make it idle if it did not. */
static void set_lcr(u32 value) {
    for (int i = 0; i < TRIES; i++) {
        store(LCR, value);
        if ((load(LCR) & 0xff) == value)
            return;
        store(FCR, FCR_ON);
        if (load(LSR) & LSR_READY) /* reading without data is a bus error there */
            load(DATA);
    }
}

void uart_finish(void) {
    while (!(load(LSR) & LSR_IDLE)) {
    }
}

static void set_baud(u32 baud) {
    u32 divisor = (config.uart_clock + 8 * baud) / (16 * baud);
    uart_finish();
    set_lcr(LCR_8N1 | LCR_DIVISOR);
    store(DIVISOR_LOW, divisor & 0xff);
    store(DIVISOR_HIGH, divisor >> 8);
    set_lcr(LCR_8N1);
    uart_baud = baud;
    errors = 0;
}

void uart_init(void) {
    base = arch_registers(config.uart_base);
    uart_baud = config.uart_baud;
    uart_finish();
    store(IER, 0);
    while (load(LSR) & LSR_READY) /* not by the reset in FCR: QEMU would send no more for a while */
        load(DATA);
    store(FCR, FCR_ON & ~FCR_RESET);
}

void uart_put(u8 byte) {
    while (!(load(LSR) & LSR_ROOM)) {
    }
    store(DATA, byte);
}

void uart_text(const char *text) {
    while (*text)
        uart_put((u8)*text++);
}

void uart_change_baud(u32 baud) {
    if (!trial_end)
        baud_before = uart_baud;
    trial_end = arch_time() + arch_time_hz();
    set_baud(baud);
}

void uart_trusted(void) {
    trial_end = 0;
    errors = 0;
}

/* Go back to a rate at which the host will look for us. */
static void doubt(void) {
    if (trial_end && arch_time() > trial_end) {
        trial_end = 0;
        set_baud(baud_before);
    }
    if (errors >= ERRORS_LIMIT && uart_baud != config.uart_baud) {
        trial_end = 0;
        set_baud(config.uart_baud);
    }
}

u8 uart_get(void) {
    u32 lsr;
    while (!((lsr = load(LSR)) & LSR_READY))
        doubt();
    if (lsr & LSR_OVERRUN)
        uart_overruns++;
    if (lsr & (LSR_FRAMING | LSR_BREAK))
        errors++;
    return (u8)load(DATA);
}
