// Lab 18: a small store.  It crashes in three ways; find each by its backtrace, and mend it.
//
//   inventory add NAME COUNT    more of something; what is there already is added to
//             take NAME COUNT   less of it; prints "no NAME" if there is none of that name
//             total             prints "total N"
//
// Any number of commands, in turn.  Names have up to 60 characters.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct item {
    char name[8];
    struct item *next;
    int count;
};

static struct item *items;

static struct item *find(const char *name)
{
    for (struct item *item = items; item; item = item->next)
        if (!strcmp(item->name, name))
            return item;
    return NULL;
}

static void add(const char *name, int count)
{
    struct item *item = find(name);
    if (!item)
        item = calloc(1, sizeof *item);
    item->count += count;
    item->next = items;
    items = item;
    strcpy(item->name, name);
}

static void take(const char *name, int count)
{
    struct item *item = find(name);
    item->count -= count;
}

static int total(const struct item *item)
{
    if (!item)
        return 0;
    volatile int rest = total(item->next); // volatile: to be seen in a debugger
    return item->count + rest;
}

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        if (!strcmp(argv[i], "add") && i + 2 < argc) {
            add(argv[i + 1], atoi(argv[i + 2]));
            i += 2;
        } else if (!strcmp(argv[i], "take") && i + 2 < argc) {
            take(argv[i + 1], atoi(argv[i + 2]));
            i += 2;
        } else if (!strcmp(argv[i], "total")) {
            printf("total %d\n", total(items));
        } else {
            fprintf(stderr, "what is %s?\n", argv[i]);
            return 2;
        }
    }
    return 0;
}
