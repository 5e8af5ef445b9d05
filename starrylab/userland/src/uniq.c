/* uniq - join equal neighbours: uniq [-c] [-d] [-u] [file] */
#include "starry.h"

static bool counts, repeated, single;

static void show(const char *line, unsigned long times)
{
    if (!line || (repeated && times < 2) || (single && times > 1))
        return;
    if (counts)
        printf("%7lu ", times);
    fputs(line, stdout);
}

static int use(FILE *in, const char *name)
{
    char *line = NULL, *last = NULL;
    size_t room = 0;
    unsigned long times = 0;
    while (getline(&line, &room, in) > 0) {
        if (last && strcmp(last, line) == 0) {
            times++;
            continue;
        }
        show(last, times);
        free(last);
        last = strdup(line);
        times = 1;
    }
    show(last, times);
    free(last);
    free(line);
    return 0;
}

int main_uniq(int argc, char **argv)
{
    int option;
    while ((option = getopt(argc, argv, "cdu")) != -1) {
        if (option == '?')
            die("usage: uniq [-cdu] [file]");
        *(option == 'c' ? &counts : option == 'd' ? &repeated : &single) = true;
    }
    return each_input(argc, argv, optind, use);
}
