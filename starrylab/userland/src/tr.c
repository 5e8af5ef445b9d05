/* tr - replace or delete characters: tr [-d] [-s] [-c] SET1 [SET2]; ranges a-z, \n, [:upper:] */
#include "starry.h"

struct set {
    unsigned char list[512];
    int count;
};

static void add(struct set *set, int c)
{
    if (set->count < (int)sizeof set->list)
        set->list[set->count++] = c;
}

static int one(const char **text)
{
    if (**text != '\\' || !(*text)[1])
        return (unsigned char)*(*text)++;
    static const char letters[] = "nrtabfv\\", values[] = "\n\r\t\a\b\f\v\\";
    char c = (*text)[1];
    const char *found = strchr(letters, c);
    if (c >= '0' && c <= '7') {
        int value = 0;
        (*text)++;
        for (int i = 0; i < 3 && **text >= '0' && **text <= '7'; i++)
            value = value * 8 + *(*text)++ - '0';
        return value;
    }
    *text += 2;
    return (unsigned char)(found ? values[found - letters] : c);
}

static const struct {
    const char *name;
    int (*is)(int);
} classes[] = {{"[:upper:]", isupper}, {"[:lower:]", islower}, {"[:digit:]", isdigit},
               {"[:alpha:]", isalpha}, {"[:alnum:]", isalnum}, {"[:space:]", isspace},
               {"[:punct:]", ispunct}, {"[:print:]", isprint}, {"[:cntrl:]", iscntrl}};

static void parse(struct set *set, const char *text)
{
    while (*text) {
        bool found = false;
        for (size_t i = 0; i < sizeof classes / sizeof *classes && !found; i++) {
            size_t size = strlen(classes[i].name);
            if (strncmp(text, classes[i].name, size) != 0)
                continue;
            for (int c = 0; c < 256; c++)
                if (classes[i].is(c))
                    add(set, c);
            text += size;
            found = true;
        }
        if (found)
            continue;
        int first = one(&text);
        if (*text == '-' && text[1]) {
            text++;
            for (int last = one(&text); first <= last; first++)
                add(set, first);
        } else {
            add(set, first);
        }
    }
}

int main_tr(int argc, char **argv)
{
    bool delete = false, squeeze = false, complement = false, in_first[256] = {0}, in_last[256] = {0};
    int option, map[256], last = -1, c;
    while ((option = getopt(argc, argv, "dscC")) != -1) {
        delete |= option == 'd';
        squeeze |= option == 's';
        complement |= option == 'c' || option == 'C';
    }
    struct set first = {0}, second = {0};
    if (optind == argc)
        die("usage: tr [-dsc] set1 [set2]");
    parse(&first, argv[optind]);
    if (optind + 1 < argc)
        parse(&second, argv[optind + 1]);
    for (int i = 0; i < first.count; i++)
        in_first[first.list[i]] = true;
    for (int i = 0; complement && i < 256; i++)
        in_first[i] = !in_first[i];
    for (int i = 0; i < second.count; i++)
        in_last[second.list[i]] = true;
    for (int i = 0; i < 256; i++)
        map[i] = complement && in_first[i] && second.count ? second.list[second.count - 1] : i;
    for (int i = 0; !complement && second.count && i < first.count; i++)
        map[first.list[i]] = second.list[i < second.count ? i : second.count - 1];
    while ((c = getchar()) != EOF) {
        if (delete && in_first[c])
            continue;
        int to = delete ? c : map[c];
        if (squeeze && to == last && (second.count ? in_last[to] : in_first[to]))
            continue;
        putchar(last = to);
    }
    return 0;
}
