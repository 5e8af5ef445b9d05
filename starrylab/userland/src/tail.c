/* tail - the last lines: tail [-n N | -n +N | -N | -c N] [-f] [file...] */
#include "starry.h"

static long long limit = 10;
static bool bytes, from_start, follow, titles, later;

static int use_from(FILE *in)
{
    int c;
    for (long long skip = limit - 1; skip > 0 && (c = getc(in)) != EOF;)
        skip -= bytes || c == '\n';
    while ((c = getc(in)) != EOF)
        putchar(c);
    return 0;
}

static int use(FILE *in, const char *name)
{
    if (titles)
        printf("%s==> %s <==\n", later ? "\n" : "", name);
    later = true;
    if (from_start)
        return use_from(in);
    size_t size = 0, room = 65536;
    char *text = need(room);
    for (size_t n; (n = fread(text + size, 1, room - size, in)) > 0;) {
        size += n;
        if (size == room)
            text = need_more(text, room *= 2);
    }
    size_t start = size;
    long long left = limit;
    if (bytes) {
        start = (unsigned long long)limit < size ? size - limit : 0;
    } else if (left > 0) {
        if (start > 0 && text[start - 1] == '\n')
            start--;
        while (start > 0 && !(text[start - 1] == '\n' && --left == 0))
            start--;
    }
    fwrite(text + start, 1, size - start, stdout);
    free(text);
    while (follow) { /* no inotify here: look again four times a second */
        fflush(stdout);
        usleep(250000);
        clearerr(in);
        for (int c; (c = getc(in)) != EOF;)
            putchar(c);
    }
    return 0;
}

int main_tail(int argc, char **argv)
{
    int first = 1;
    for (; first < argc && (argv[first][0] == '-' || argv[first][0] == '+') && argv[first][1]; first++) {
        char *text = argv[first] + (argv[first][0] == '-');
        if (*text == 'f') {
            follow = true;
            continue;
        }
        if (*text == 'n' || *text == 'c') {
            bytes = *text == 'c';
            text = text[1] ? text + 1 : ++first < argc ? argv[first] : "";
        }
        from_start = *text == '+';
        char *end;
        limit = strtoll(text, &end, 10);
        if (limit < 0)
            limit = -limit;
        if (end == text || *end)
            die("usage: tail [-f] [-n lines | -c bytes] [file...]");
    }
    titles = argc - first > 1;
    return each_input(argc, argv, first, use);
}
