/* head - the first lines: head [-n N | -N | -c BYTES] [file...] */
#include "starry.h"

static long long limit = 10;
static bool bytes, titles, later;

static int use(FILE *in, const char *name)
{
    if (titles)
        printf("%s==> %s <==\n", later ? "\n" : "", name);
    later = true;
    int c;
    for (long long left = limit; left > 0 && (c = getc(in)) != EOF;) {
        putchar(c);
        left -= bytes || c == '\n';
    }
    return 0;
}

int main_head(int argc, char **argv)
{
    int first = 1;
    for (; first < argc && argv[first][0] == '-' && argv[first][1]; first++) {
        char *text = argv[first] + 1;
        if (*text == 'n' || *text == 'c') {
            bytes = *text == 'c';
            text = text[1] ? text + 1 : ++first < argc ? argv[first] : "";
        }
        char *end;
        limit = strtoll(text, &end, 10);
        if (end == text || *end)
            die("usage: head [-n lines | -c bytes] [file...]");
    }
    titles = argc - first > 1;
    return each_input(argc, argv, first, use);
}
