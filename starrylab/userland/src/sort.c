/* sort - sort lines: sort [-n] [-r] [-u] [-f] [-t C] [-k FIELD] [file...] */
#include "starry.h"

static bool numeric, reverse, unique, fold;
static char separator;
static int key;
static char **lines;
static size_t count, room;

static const char *key_of(const char *line)
{
    for (int field = 1; field < key; field++) {
        if (separator) {
            line += strcspn(line, (char[]){separator, 0});
            line += *line != 0;
        } else {
            line += strspn(line, " \t");
            line += strcspn(line, " \t");
        }
    }
    return line;
}

static int compare(const void *a, const void *b)
{
    const char *left = *(char *const *)a, *right = *(char *const *)b;
    const char *x = key_of(left), *y = key_of(right);
    int order = 0;
    if (numeric) {
        double m = strtod(x, NULL), n = strtod(y, NULL);
        order = (m > n) - (m < n);
    } else {
        order = fold ? strcasecmp(x, y) : strcmp(x, y);
    }
    if (order == 0 && !unique)
        order = strcmp(left, right);
    return reverse ? -order : order;
}

static int use(FILE *in, const char *name)
{
    char *line = NULL;
    size_t size = 0;
    for (ssize_t n; (n = getline(&line, &size, in)) > 0;) {
        if (line[n - 1] == '\n')
            line[n - 1] = 0;
        if (count == room)
            lines = need_more(lines, (room = room ? room * 2 : 1024) * sizeof *lines);
        lines[count++] = strdup(line);
    }
    free(line);
    return 0;
}

int main_sort(int argc, char **argv)
{
    int option;
    while ((option = getopt(argc, argv, "nruft:k:")) != -1) {
        switch (option) {
        case 'n': numeric = true; break;
        case 'r': reverse = true; break;
        case 'u': unique = true; break;
        case 'f': fold = true; break;
        case 't': separator = *optarg; break;
        case 'k':
            key = atoi(optarg);
            numeric |= strchr(optarg, 'n') != NULL;
            reverse |= strchr(optarg, 'r') != NULL;
            break;
        default: die("usage: sort [-nruf] [-t c] [-k field] [file...]");
        }
    }
    int status = each_input(argc, argv, optind, use);
    qsort(lines, count, sizeof *lines, compare);
    for (size_t i = 0; i < count; i++)
        if (!unique || i == 0 || compare(&lines[i - 1], &lines[i]) != 0)
            puts(lines[i]);
    return status;
}
