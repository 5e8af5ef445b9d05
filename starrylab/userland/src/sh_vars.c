/* Variables of the shell, and the memory that one command uses. */
#include "sh.h"

struct var {
    struct var *next;
    char *name, *value; /* value is NULL when only exported */
    bool exported;
};

static struct var *table[64];

extern char **environ;

static struct var **slot(const char *name)
{
    unsigned hash = 5381;
    for (const char *c = name; *c; c++)
        hash = hash * 33 + (unsigned char)*c;
    return &table[hash % 64];
}

static struct var *find(const char *name, bool create)
{
    for (struct var *v = *slot(name); v; v = v->next)
        if (strcmp(v->name, name) == 0)
            return v;
    if (!create)
        return NULL;
    struct var *v = calloc(1, sizeof *v);
    v->name = strdup(name);
    v->next = *slot(name);
    return *slot(name) = v;
}

const char *get_var(const char *name)
{
    struct var *v = find(name, false);
    return v ? v->value : NULL;
}

void set_var(const char *name, const char *value)
{
    struct var *v = find(name, true);
    char *copy = value ? strdup(value) : NULL; /* value may point into the old one */
    free(v->value);
    v->value = copy;
}

void export_var(const char *name)
{
    find(name, true)->exported = true;
}

void unset_var(const char *name)
{
    for (struct var **at = slot(name); *at; at = &(*at)->next) {
        struct var *v = *at;
        if (strcmp(v->name, name) == 0) {
            *at = v->next;
            free(v->name);
            free(v->value);
            free(v);
            return;
        }
    }
}

size_t name_length(const char *text)
{
    size_t n = 0;
    if (isalpha((unsigned char)*text) || *text == '_')
        while (isalnum((unsigned char)text[n]) || text[n] == '_')
            n++;
    return n;
}

bool is_name(const char *text, size_t length)
{
    return length > 0 && name_length(text) >= length;
}

/* --- local variables of functions ------------------------------------------------------- */

static struct { char *name, *value; } *saved;
static int saved_count;

int locals_mark(void)
{
    return saved_count;
}

void local_var(const char *name)
{
    const char *old = get_var(name);
    saved = need_more(saved, (saved_count + 1) * sizeof *saved);
    saved[saved_count].name = strdup(name);
    saved[saved_count++].value = old ? strdup(old) : NULL;
}

void locals_restore(int mark)
{
    while (saved_count > mark) {
        saved_count--;
        if (saved[saved_count].value)
            set_var(saved[saved_count].name, saved[saved_count].value);
        else
            unset_var(saved[saved_count].name);
        free(saved[saved_count].name);
        free(saved[saved_count].value);
    }
}

/* --- listings --------------------------------------------------------------------------- */

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static char **listing(bool exported_only)
{
    size_t count = 0, room = 16;
    char **list = arena(room * sizeof *list);
    for (int i = 0; i < 64; i++)
        for (struct var *v = table[i]; v; v = v->next) {
            if (!v->value || (exported_only && !v->exported))
                continue;
            if (count + 1 == room) {
                char **bigger = arena((room *= 2) * sizeof *list);
                memcpy(bigger, list, count * sizeof *list);
                list = bigger;
            }
            size_t size = strlen(v->name) + strlen(v->value) + 2;
            list[count] = arena(size);
            snprintf(list[count++], size, "%s=%s", v->name, v->value);
        }
    qsort(list, count, sizeof *list, by_text);
    list[count] = NULL;
    return list;
}

char **environment(void)
{
    return listing(true);
}

static void print_list(const char *prefix, char **list)
{
    for (; *list; list++) {
        size_t name = strcspn(*list, "=");
        printf("%s%.*s='%s'\n", prefix, (int)name, *list, *list + name + 1);
    }
}

void print_exports(void)
{
    print_list("export ", listing(true));
}

void print_variables(void)
{
    print_list("", listing(false));
}

/* --- the arena -------------------------------------------------------------------------- */

struct chunk {
    struct chunk *before;
    size_t size, used;
    _Alignas(16) char data[];
};

static struct chunk *current;

void *arena(size_t size)
{
    size = (size + 15) & ~(size_t)15;
    if (!current || current->used + size > current->size) {
        size_t room = size > 16384 ? size : 16384;
        struct chunk *fresh = need(sizeof *fresh + room);
        fresh->before = current;
        fresh->size = room;
        fresh->used = 0;
        current = fresh;
    }
    void *memory = current->data + current->used;
    current->used += size;
    return memory;
}

char *arena_copy(const char *text, size_t length)
{
    char *copy = arena(length + 1);
    memcpy(copy, text, length);
    copy[length] = 0;
    return copy;
}

struct mark arena_mark(void)
{
    if (!current)
        arena(1);
    return (struct mark){current, current->used};
}

void arena_release(struct mark mark)
{
    while (current != mark.chunk) {
        struct chunk *before = current->before;
        free(current);
        current = before;
    }
    current->used = mark.used;
}
