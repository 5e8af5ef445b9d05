/* Integers of known size; the monitor has no C library. */
#pragma once

typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long u64;
typedef signed char s8;
typedef short s16;
typedef int s32;
typedef long s64;

enum { PAGE_SIZE = 4096, PAGE_SHIFT = 12 };
