/* A DW_apb_uart below the monitor's uart.c, which reaches it through load() and store().
   Arguments are pairs of a command and a number; prints what became of the chip. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "monitor.h"

struct config config = {CONFIG_MAGIC, 0, 2, 4, 24000000, 115200, 1000000, 0, 0};
static u32 divisor = 13, lcr = 3, sent, wrong_reads, lost_writes, noise;
static u32 busy;            /* looks at the chip until its transmitter is idle */
static u32 waiting;         /* bytes in the receiver */
static u32 arrivals, looks; /* bytes that come, one every few looks */
static u64 now;

u64 arch_registers(u64 physical) { return physical; }
u64 arch_time(void) { return now += 10; }
u64 arch_time_hz(void) { return config.timer_hz; }

u32 load(u32 number) {
    busy -= busy > 0;
    if (!waiting && arrivals && ++looks % 5 == 0) {
        waiting = 1;
        arrivals--;
    }
    switch (number) {
    case 0:
        wrong_reads += !waiting; /* a bus error on the JH7110 */
        waiting -= waiting > 0;
        return 0x55;
    case 3: return lcr;
    case 5: return (waiting ? 1 : 0) | (noise ? 8 : 0) | (busy > 20 ? 0 : 0x20) | (busy ? 0 : 0x40);
    default: return 0;
    }
}

void store(u32 number, u32 value) {
    if (number == 2 && value & 2)
        waiting = 0;
    else if (number == 3 && (busy || waiting))
        lost_writes++; /* ignored while it is busy in either direction */
    else if (number == 3)
        lcr = value;
    else if (lcr & 0x80 && number == 0)
        divisor = (divisor & 0xff00) | value;
    else if (lcr & 0x80 && number == 1)
        divisor = (divisor & 0xff) | value << 8;
    else if (number == 0) {
        sent++;
        busy += 30;
    }
}

int main(int count, char **words) {
    uart_init();
    for (int i = 1; i + 1 < count; i += 2) {
        u64 value = strtoul(words[i + 1], 0, 0);
        if (!strcmp(words[i], "put"))
            while (value--)
                uart_put(0x55);
        else if (!strcmp(words[i], "typed"))
            waiting = value; /* by somebody, just now */
        else if (!strcmp(words[i], "baud"))
            uart_change_baud(value);
        else if (!strcmp(words[i], "trusted"))
            uart_trusted();
        else if (!strcmp(words[i], "later"))
            now += value;
        else if (!strcmp(words[i], "noise"))
            noise = value;
        else if (!strcmp(words[i], "get"))
            for (arrivals = value; value--;)
                uart_get();
    }
    printf("%u %u %u %u %u %u\n", uart_baud, divisor, lcr, sent, wrong_reads, lost_writes);
    return 0;
}
