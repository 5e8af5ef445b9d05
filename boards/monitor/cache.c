/* Pages that the host may want again, in numbered slots with the key that it gave them. The host
   decides what is kept where; the monitor keeps it beyond the host's own life. */
#include "monitor.h"

struct slot {
    u64 key;
    u64 page; /* physical */
};

u64 cache_used, cache_slots;
static struct slot *slots;
static u64 store; /* physical; of the pages that were not packed with the image */

void cache_init(void) {
    const struct packed *packed = packed_pages();
    cache_slots = memory_size / 4 / PAGE_SIZE;
    if (cache_slots > SLOTS)
        cache_slots = SLOTS;
    slots = memory_take(cache_slots * sizeof *slots);
    store = memory_reserve(cache_slots * PAGE_SIZE);
    for (; packed && cache_used < packed->count && cache_used < cache_slots; cache_used++) {
        u64 page = arch_physical(packed) + packed->first + cache_used * PAGE_SIZE;
        slots[cache_used] = (struct slot){packed->keys[cache_used], page};
    }
}

u32 cache_keep(u64 slot, u64 frame, u64 key) {
    u8 *page = memory_at(frame << PAGE_SHIFT, PAGE_SIZE);
    if (slot >= cache_slots)
        return STATUS_BAD_OP;
    if (!page)
        return STATUS_BAD_MEMORY;
    slots[slot] = (struct slot){key, store + slot * PAGE_SIZE};
    memcpy(arch_memory(slots[slot].page), page, PAGE_SIZE);
    if (slot >= cache_used)
        cache_used = slot + 1;
    return STATUS_OK;
}

u32 cache_fetch(u64 frame, u64 slot) {
    u8 *page = memory_at(frame << PAGE_SHIFT, PAGE_SIZE);
    if (!page)
        return STATUS_BAD_MEMORY;
    if (slot >= cache_used || !slots[slot].page)
        return STATUS_BAD_OP;
    memcpy(page, arch_memory(slots[slot].page), PAGE_SIZE);
    return STATUS_OK;
}

void cache_list(u64 first, u64 count, struct out *out) {
    if (first > cache_used)
        first = cache_used;
    if (count > cache_used - first)
        count = cache_used - first;
    put_u(out, count);
    for (u64 i = first; i < first + count; i++)
        put_fixed(out, slots[i].key, 8);
}
