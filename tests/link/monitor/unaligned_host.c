/* Unaligned accesses on the host: a page that can be read, one that can be stored to, then nothing.
   Reads contexts with memory from standard input, and writes what became of them. */
#include <string.h>
#include <unistd.h>

#include "loongarch64.h"

static struct {
    u64 cause, address, stores;
    struct context context;
    u8 pages[2 * PAGE_SIZE];
} state;

u8 *tables_reach(struct space *space, u64 va, u64 access) {
    (void)space;
    if (va >= sizeof state.pages || (access & ACCESS_WRITE && va < PAGE_SIZE))
        return 0;
    return state.pages + va;
}

int tables_note_store(struct space *space, u64 va) {
    (void)space, (void)va;
    state.stores++;
    return 1;
}

int main(void) {
    for (;;) {
        u64 got = 0;
        while (got < sizeof state) {
            s64 more = read(0, (u8 *)&state + got, sizeof state - got);
            if (more <= 0)
                return 0;
            got += more;
        }
        state.stores = 0;
        state.cause = unaligned(0, &state.context, &state.address);
        if (write(1, &state, sizeof state) != sizeof state)
            return 1;
    }
}
