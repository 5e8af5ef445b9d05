/* cut - parts of each line: cut -d: -f1,3-5 | -c2-4 [file...] */
#include "starry.h"

static bool chosen[4097]; /* [0]: "and all after" */
static int from_here = 1 << 30;
static char delimiter = '\t';
static bool fields;

static void choose(const char *list)
{
    for (; *list; list += *list == ',') {
        char *end;
        long first = strtol(list, &end, 10), last = first;
        if (end == list)
            first = 1;
        if (*end == '-') {
            list = end + 1;
            last = strtol(list, &end, 10);
            if (end == list && first < from_here)
                from_here = first;
        }
        if (*end && *end != ',')
            die("%s: not a list", list);
        for (long i = first < 1 ? 1 : first; i <= last && i < 4096; i++)
            chosen[i] = true;
        list = end;
    }
}

static bool wanted(int index)
{
    return index >= from_here || (index < 4096 && chosen[index]);
}

static void cut_fields(const char *line)
{
    bool first = true;
    if (!strchr(line, delimiter)) {
        puts(line);
        return;
    }
    for (int index = 1;; index++) {
        size_t size = strcspn(line, (char[]){delimiter, 0});
        if (wanted(index)) {
            if (!first)
                putchar(delimiter);
            printf("%.*s", (int)size, line);
            first = false;
        }
        if (!line[size])
            break;
        line += size + 1;
    }
    putchar('\n');
}

static int use(FILE *in, const char *name)
{
    char *line = NULL;
    size_t room = 0;
    for (ssize_t n; (n = getline(&line, &room, in)) > 0;) {
        if (line[n - 1] == '\n')
            line[--n] = 0;
        if (fields) {
            cut_fields(line);
            continue;
        }
        for (int i = 0; i < n; i++)
            if (wanted(i + 1))
                putchar(line[i]);
        putchar('\n');
    }
    free(line);
    return 0;
}

int main_cut(int argc, char **argv)
{
    int option;
    bool any = false;
    while ((option = getopt(argc, argv, "d:f:c:b:")) != -1) {
        if (option == '?')
            die("usage: cut -d: -f1,3 | -c2-4 [file...]");
        if (option == 'd') {
            delimiter = *optarg;
        } else {
            fields = option == 'f';
            choose(optarg);
            any = true;
        }
    }
    if (!any)
        die("usage: cut -d: -f1,3 | -c2-4 [file...]");
    return each_input(argc, argv, optind, use);
}
