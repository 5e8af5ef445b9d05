/* What the parts of the monitor know of each other. */
#pragma once

#pragma GCC visibility push(hidden) /* else clang reaches for a global offset table */

#include "config.h"
#include "context.h"
#include "protocol.h"

extern struct config config;
extern u8 image_start[], image_end[];

/* -- string.c: what the compiler calls, and CRC-32 as zlib has it -- */
void *memcpy(void *to, const void *from, u64 size);
void *memset(void *to, int byte, u64 size);
u32 crc32(u32 crc, const u8 *data, u64 size);

/* -- uart.c: a polled 16550 -- */
void uart_init(void);
void uart_put(u8 byte);
void uart_text(const char *text);
void uart_finish(void); /* until the last bit has left */
u8 uart_get(void); /* waits */
void uart_change_baud(u32 baud); /* back again unless uart_trusted() follows within a second */
void uart_trusted(void);
extern u32 uart_baud;
extern u64 uart_overruns;

/* -- coding.c: fields of the protocol -- */
struct in {
    const u8 *at, *end;
    int cut; /* something was missing, and read as zero */
};
struct out {
    u8 *at, *end;
    int full; /* something did not fit */
};
u64 take_u(struct in *in);
s64 take_i(struct in *in);
u64 take_fixed(struct in *in, u32 size);
const u8 *take_bytes(struct in *in, u64 *size);
void put_u(struct out *out, u64 value);
void put_i(struct out *out, s64 value);
void put_fixed(struct out *out, u64 value, u32 size);
void put_bytes(struct out *out, const void *data, u64 size);

/* -- frame.c -- */
u32 frame_receive(u8 *content, u32 limit); /* bytes; waits for a good one */
void frame_send(const u8 *content, u32 size);
extern u64 frame_bad;

/* -- operations.c -- */
extern u64 failed_detail; /* goes with a status that is not OK */
u32 operate(struct in *in, struct out *out); /* one operation; returns its status */
void operations_after_reply(void);
extern u32 features;

/* -- memory.c: what the host may use, and what the monitor keeps of it -- */
void memory_init(void);
void *memory_take(u64 size); /* zeros, for good; not any more once it is announced */
u64 memory_reserve(u64 size); /* the same, physical and with whatever is there */
void memory_announce(void);
u8 *memory_at(u64 offset, u64 size); /* 0: not there */
extern u64 memory_base, memory_size; /* physical; what HELLO announces */
struct packed { /* starrylab/image/pages.py */
    u64 magic;
    u32 count, first; /* pages, and where the first is, from the magic */
    u64 keys[];
};
const struct packed *packed_pages(void); /* 0: the image has none */
void *table_new(void); /* an empty page; 0: none left */
void table_free(void *table);

/* -- tables.c: page tables -- */
struct space {
    u64 *root;
    u32 dirty_count; /* more than DIRTY_LIMIT: not all are in the list */
    u64 dirty[DIRTY_LIMIT]; /* virtual page numbers that were stored to */
};
extern struct space *spaces;
void tables_init(void);
u32 tables_map(struct space *space, u64 vpn, u64 frame, u64 access);
void tables_unmap(struct space *space, u64 vpn);
void tables_drop(struct space *space);
u64 *tables_entry(struct space *space, u64 vpn);          /* 0: none */
u8 *tables_reach(struct space *space, u64 va, u64 access); /* the byte; 0: not permitted */
int tables_note_store(struct space *space, u64 va);        /* 0: it is not permitted */
void tables_report_dirty(struct space *space, struct out *out);
void tables_clean(struct space *space);

/* -- cache.c: pages by content -- */
void cache_init(void);
u32 cache_keep(u64 slot, u64 frame, u64 key);
u32 cache_fetch(u64 frame, u64 slot);
void cache_list(u64 first, u64 count, struct out *out);
extern u64 cache_used, cache_slots; /* used: the first that never was, behind which none is */

/* -- hints.c: memory that comes along with a system call -- */
void hints_init(void);
void hints_clear(void);
u32 hints_set(struct in *in);
void hints_follow(struct space *space, struct context *context, struct out *out);

/* -- run.c -- */
extern struct context *contexts;
u32 run(struct in *in, struct out *out);
u64 *register_of(struct context *context, u32 number); /* by its number on the wire */
void run_init(void);

/* -- inflate.c: RFC 1951 -- */
s64 inflate(u8 *to, u64 size, const u8 *from, u64 from_size); /* bytes made; < 0: ~bytes, broken */

/* -- main.c -- */
void monitor_main(u64 a0, u64 a1);
void monitor_fault(u64 cause, u64 address, u64 pc); /* a trap in the monitor itself */
u64 monitor_repeats(void);  /* requests that came twice */

/* -- riscv64.c, loongarch64.c: the rest is the same for both -- */
enum { CAUSE_NONE = 0xff }; /* served here: go on */

void arch_init(u64 a0, u64 a1);
u32 arch_id(void);      /* the ELF machine */
s64 arch_hart(void);    /* -1: nobody said */
u64 arch_features(void);
u8 *arch_memory(u64 physical);
u64 arch_registers(u64 physical); /* where device registers are seen, uncached */
u64 arch_physical(const void *seen);
u64 arch_time(void);
u64 arch_time_hz(void);
void arch_slice(u64 ticks); /* interrupt user code then; 0: never */
void arch_use(struct space *space);
void arch_flush(u64 vpn);
void arch_flush_all(void);
void arch_sync(void); /* fetches see what was stored */
void arch_reset(u32 kind);
void arch_new_context(struct context *context);
void arch_run(struct context *context); /* until a trap */
u32 arch_cause(struct space *space, struct context *context, u64 *address);
u32 arch_argument(u32 index); /* register of a0..a7 */
u32 arch_get_floating(const struct context *context, u8 *state); /* bytes */
u32 arch_set_floating(struct context *context, const u8 *state, u64 size); /* 0: wrong size */
extern const u64 arch_pages; /* virtual pages of user space */

u64 arch_empty(int level); /* an entry of a table that leads nowhere; level 0 has leaves */
u64 arch_branch(u64 table); /* an entry that leads to the table at this physical address */
u64 arch_next(u64 entry);   /* the reverse */
u64 arch_leaf(u64 physical, u64 access); /* never lets stores through by itself */
int arch_present(u64 leaf);
u64 arch_leaf_address(u64 leaf);
u64 arch_leaf_access(u64 leaf); /* ACCESS_WRITE: may be stored to, once noted */
u64 arch_with_store(u64 leaf, int on); /* let stores through, or not */
void arch_root(u64 *root); /* add what every root has */
