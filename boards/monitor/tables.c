/* Page tables: three levels of 512 entries on both architectures. A page that may be stored to does
   not let stores through until the first one, which is noted: so the host learns what changed. */
#include "monitor.h"

enum { LEVELS = 3, ENTRIES = 512, BITS = 9 };

struct space *spaces;

static u64 index_of(u64 vpn, int level) {
    return vpn >> BITS * level & (ENTRIES - 1);
}

static u64 *new_table(int level) {
    u64 *table = table_new();
    if (table)
        for (int i = 0; i < ENTRIES; i++)
            table[i] = arch_empty(level);
    return table;
}

void tables_init(void) {
    spaces = memory_take(SPACES * sizeof *spaces);
    for (int i = 0; i < SPACES; i++) {
        spaces[i].root = memory_take(PAGE_SIZE);
        for (int e = 0; e < ENTRIES; e++)
            spaces[i].root[e] = arch_empty(LEVELS - 1);
        arch_root(spaces[i].root);
    }
}

static u64 *find(struct space *space, u64 vpn, int make) {
    u64 *table = space->root;
    for (int level = LEVELS - 1; level > 0; level--) {
        u64 *entry = &table[index_of(vpn, level)];
        if (*entry == arch_empty(level)) {
            u64 *below = make ? new_table(level - 1) : 0;
            if (!below)
                return 0;
            *entry = arch_branch(arch_physical(below));
        }
        table = (u64 *)arch_memory(arch_next(*entry));
    }
    return &table[index_of(vpn, 0)];
}

u64 *tables_entry(struct space *space, u64 vpn) {
    u64 *entry = vpn < arch_pages ? find(space, vpn, 0) : 0;
    return entry && arch_present(*entry) ? entry : 0;
}

u32 tables_map(struct space *space, u64 vpn, u64 frame, u64 access) {
    u64 *entry;
    failed_detail = vpn;
    if (vpn >= arch_pages)
        return STATUS_BAD_OP;
    if (!memory_at(frame << PAGE_SHIFT, PAGE_SIZE))
        return STATUS_BAD_MEMORY;
    entry = find(space, vpn, 1);
    if (!entry)
        return STATUS_NO_TABLES;
    *entry = arch_leaf(memory_base + (frame << PAGE_SHIFT), access & ~(u64)ACCESS_STORED);
    arch_flush(vpn);
    if (access & ACCESS_STORED)
        tables_note_store(space, vpn << PAGE_SHIFT);
    return STATUS_OK;
}

void tables_unmap(struct space *space, u64 vpn) {
    u64 *entry = tables_entry(space, vpn);
    if (entry) {
        *entry = arch_empty(0);
        arch_flush(vpn);
    }
}

/* Free the tables below an entry of this level. */
static void drop(u64 *entry, int level) {
    u64 *table;
    if (*entry == arch_empty(level))
        return;
    table = (u64 *)arch_memory(arch_next(*entry));
    *entry = arch_empty(level);
    if (level > 1)
        for (int i = 0; i < ENTRIES; i++)
            drop(&table[i], level - 1);
    table_free(table);
}

void tables_drop(struct space *space) {
    for (u64 i = 0; i < arch_pages >> BITS * (LEVELS - 1); i++)
        drop(&space->root[i], LEVELS - 1);
    space->dirty_count = 0;
    arch_flush_all();
}

u8 *tables_reach(struct space *space, u64 va, u64 access) {
    u64 *entry = tables_entry(space, va >> PAGE_SHIFT);
    if (!entry || !(arch_leaf_access(*entry) & access))
        return 0;
    return arch_memory(arch_leaf_address(*entry) + (va & (PAGE_SIZE - 1)));
}

int tables_note_store(struct space *space, u64 va) {
    u64 vpn = va >> PAGE_SHIFT, *entry = tables_entry(space, vpn);
    if (!entry || !(arch_leaf_access(*entry) & ACCESS_WRITE))
        return 0;
    if (*entry != arch_with_store(*entry, 1)) {
        *entry = arch_with_store(*entry, 1);
        if (space->dirty_count < DIRTY_LIMIT)
            space->dirty[space->dirty_count] = vpn;
        if (space->dirty_count <= DIRTY_LIMIT)
            space->dirty_count++;
    }
    arch_flush(vpn);
    return 1;
}

void tables_report_dirty(struct space *space, struct out *out) {
    s64 last = 0;
    put_u(out, space->dirty_count); /* DIRTY_LIMIT + 1 is ALL_DIRTY */
    if (space->dirty_count > DIRTY_LIMIT)
        return;
    for (u32 i = 0; i < space->dirty_count; i++) {
        u64 *entry = tables_entry(space, space->dirty[i]);
        s64 frame = entry ? (s64)((arch_leaf_address(*entry) - memory_base) >> PAGE_SHIFT) : last;
        put_i(out, frame - last);
        last = frame;
    }
}

static void forbid_stores(u64 *table, int level) {
    for (int i = 0; i < ENTRIES; i++) {
        if (level == 0 && arch_present(table[i]))
            table[i] = arch_with_store(table[i], 0);
        else if (level > 0 && table[i] != arch_empty(level))
            forbid_stores((u64 *)arch_memory(arch_next(table[i])), level - 1);
    }
}

void tables_clean(struct space *space) {
    if (space->dirty_count > DIRTY_LIMIT) {
        for (u64 i = 0; i < arch_pages >> BITS * (LEVELS - 1); i++)
            if (space->root[i] != arch_empty(LEVELS - 1))
                forbid_stores((u64 *)arch_memory(arch_next(space->root[i])), LEVELS - 2);
        arch_flush_all();
    } else
        for (u32 i = 0; i < space->dirty_count; i++) {
            u64 *entry = tables_entry(space, space->dirty[i]);
            if (entry) {
                *entry = arch_with_store(*entry, 0);
                arch_flush(space->dirty[i]);
            }
        }
    space->dirty_count = 0;
}
