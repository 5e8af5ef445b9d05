/* Made from starrylab/link/monitor/protocol.py by starrylab.boards.monitor_header. */
#pragma once

#define VERSION 0x1
#define MAGIC 0x4e4f4d4c
#define FRAME_LIMIT 0x2000
#define CONTEXTS 0x40
#define SPACES 0x10
#define SLOTS 0x1000
#define HINT_NUMBERS 0x200
#define HINTS_EACH 0x3
#define STRING_GRAIN 0x20
#define DIRTY_LIMIT 0xfa
#define ALL_DIRTY 0xfb
#define NAK 0xff
#define PC 0x0
#define GREETING "StarryLab monitor"

#define FEATURE_HINTS 1
#define FEATURE_DIRTY 2
#define FEATURE_CACHE 4
#define FEATURE_MMIO 8
#define FEATURE_SPEED 16
#define FEATURE_INFLATE 32
#define FEATURE_VECTOR 64

#define STATUS_OK 0
#define STATUS_BAD_OP 1
#define STATUS_BAD_MEMORY 2
#define STATUS_NO_TABLES 3
#define STATUS_BAD_CODE 4
#define STATUS_FAULT 5
#define STATUS_TOO_LONG 6

#define CAUSE_SYSCALL 0
#define CAUSE_FETCH 1
#define CAUSE_LOAD 2
#define CAUSE_STORE 3
#define CAUSE_ILLEGAL 4
#define CAUSE_BREAKPOINT 5
#define CAUSE_MISALIGNED 6
#define CAUSE_SLICE 7
#define CAUSE_OTHER 8

#define ACCESS_READ 1
#define ACCESS_WRITE 2
#define ACCESS_EXEC 4
#define ACCESS_STORED 8

#define RESET_REBOOT 0
#define RESET_POWER_OFF 1

/* operation, its fields, those of the reply */
#define OP_HELLO 1 /* version:U session:U32 features:U -> magic:U32 version:U arch:U features:U hart:I image:U image_size:U base:U size:U timer_hz:U frame_limit:U contexts:U spaces:U slots:U slots_used:U hint_numbers:U baud:U bad_frames:U repeats:U overruns:U */
#define OP_ECHO 2 /* data:BYTES -> data:BYTES */
#define OP_READ 3 /* offset:U size:U -> data:BYTES */
#define OP_WRITE 4 /* offset:U data:BYTES -> nothing */
#define OP_FILL 5 /* offset:U size:U byte:U8 -> nothing */
#define OP_COPY 6 /* to:U from:U size:U -> nothing */
#define OP_INFLATE 7 /* offset:U size:U data:BYTES -> nothing */
#define OP_CRC 8 /* offset:U size:U -> crc:U32 */
#define OP_MAP 9 /* space:U vpn:U frame:U count:U access:U -> nothing */
#define OP_UNMAP 10 /* space:U vpn:U count:U -> nothing */
#define OP_DROP 11 /* space:U -> nothing */
#define OP_SYNC 12 /* nothing -> nothing */
#define OP_SET 13 /* context:U values:REGISTERS -> nothing */
#define OP_GET 14 /* context:U -> values:REGISTERS */
#define OP_SET_FLOATING 15 /* context:U state:BYTES -> nothing */
#define OP_GET_FLOATING 16 /* context:U -> state:BYTES */
#define OP_CLONE 17 /* context:U source:U -> nothing */
#define OP_RUN 18 /* space:U context:U slice_us:U -> cause:U addr:U values:REGISTERS dirty:FRAMES memory:PIECES */
#define OP_HINT 19 /* number:U index:U pointer:U unit:U times:U vector:U limit:U -> nothing */
#define OP_KEEP 20 /* slot:U frame:U key:U64 -> nothing */
#define OP_FETCH 21 /* frame:U slot:U -> nothing */
#define OP_SLOTS 22 /* first:U count:U -> keys:WORDS */
#define OP_PEEK 23 /* address:U width:U -> value:U */
#define OP_POKE 24 /* address:U width:U value:U -> nothing */
#define OP_PEEK_WHILE 25 /* address:U status:U width:U mask:U wanted:U limit:U -> data:BYTES */
#define OP_POKE_WHILE 26 /* address:U status:U width:U mask:U wanted:U data:BYTES -> count:U */
#define OP_BAUD 27 /* baud:U -> nothing */
#define OP_RESET 28 /* kind:U -> nothing */
#define OP_WALK 29 /* space:U vpn:U -> entry:U */
