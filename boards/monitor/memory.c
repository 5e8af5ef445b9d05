/* Memory: first the monitor's image with packed pages behind it, then what the monitor takes for
   itself, page tables, the cache, and the rest is the host's. The stack is at the very end. */
#include "monitor.h"

enum { STACK = 16 * PAGE_SIZE, TABLES = 1024 };

u64 memory_base, memory_size;
static u64 next; /* physical; what is below is taken */
static u64 *free_tables;
static u64 tables_next, tables_end;

const struct packed *packed_pages(void) {
    const struct packed *packed = (const struct packed *)(image_start + config.pages);
    u64 magic = 0x3153454741504c53; /* "SLPAGES1" */
    return config.pages && packed->magic == magic ? packed : 0;
}

static u64 round_up(u64 address) {
    return (address + PAGE_SIZE - 1) & -(u64)PAGE_SIZE;
}

/* Where the image ends, and the pages that are packed behind it. */
static u64 end_of_image(void) {
    const struct packed *packed = packed_pages();
    u64 end = round_up(arch_physical(image_end));
    if (packed) {
        u64 behind = arch_physical(packed) + packed->first + (u64)packed->count * PAGE_SIZE;
        end = behind > end ? behind : end;
    }
    return end;
}

u64 memory_reserve(u64 size) {
    u64 at = next;
    next = round_up(next + size);
    return at;
}

void *memory_take(u64 size) {
    return memset(arch_memory(memory_reserve(size)), 0, round_up(size));
}

/* The larger part of the memory, before or behind the image, is used. */
void memory_init(void) {
    u64 start = round_up(config.memory_start), end = config.memory_start + config.memory_size - STACK;
    u64 image = arch_physical(image_start) & -(u64)PAGE_SIZE, behind = end_of_image();
    if (start < behind && image < end) {
        if (behind < end && end - behind >= (image > start ? image - start : 0))
            start = behind;
        else
            end = image;
    }
    next = start;
    memory_base = start;
    memory_size = (end - start) & -(u64)PAGE_SIZE;
}

/* The host gets what is left once everybody has taken his. */
void memory_announce(void) {
    u64 end = memory_base + memory_size;
    tables_next = next;
    tables_end = next += TABLES * PAGE_SIZE;
    memory_base = next;
    memory_size = end - next;
}

u8 *memory_at(u64 offset, u64 size) {
    if (offset > memory_size || size > memory_size - offset) {
        failed_detail = offset;
        return 0;
    }
    return arch_memory(memory_base + offset);
}

void *table_new(void) {
    u64 *table = free_tables;
    if (table) {
        free_tables = (u64 *)table[0];
        return table;
    }
    if (tables_next >= tables_end)
        return 0;
    tables_next += PAGE_SIZE;
    return arch_memory(tables_next - PAGE_SIZE);
}

void table_free(void *table) {
    *(u64 *)table = (u64)free_tables;
    free_tables = table;
}
