/* Made from starrylab/boards/monitor_config.py by starrylab.boards.monitor_header. */
#pragma once
#define CONFIG_OFFSET 64
#define CONFIG_MAGIC "SLMONCF2"
#define RESET_BY_SBI 0
#define RESET_BY_MMIO 1
#define CONFIG_SIZE 104

#ifndef __ASSEMBLER__
#include "types.h"

struct config {
    char magic[8];                /* says that there is such a block, and its version */
    u64 uart_base;                /* physical */
    u32 uart_shift;               /* a register is at base + (number << shift) */
    u32 uart_width;               /* bytes of an access: 1 or 4 */
    u32 uart_clock;               /* Hz; the divisor is clock / 16 / baud */
    u32 uart_baud;                /* that the boot loader left */
    u64 timer_hz;                 /* of the counter; 0: the CPU tells (CPUCFG) */
    u64 memory_start;             /* physical memory that nobody else needs once the monitor runs; */
    u64 memory_size;              /* the monitor's own image may lie in it */
    u64 pages;                    /* offset in the image of packed pages (see pages.py); 0: none */
    u32 reset_kind;               /* 0: SBI's SRST, 1: the stores that follow */
    u32 reboot_width;             /* bytes of the store */
    u64 reboot_address;           /* 0: cannot */
    u64 reboot_value;
    u64 poweroff_address;         /* 0: cannot */
    u32 poweroff_width;
    u32 poweroff_value;
};
#endif
