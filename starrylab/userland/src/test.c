/* test, [ - conditions: -e -f -d ... FILE, -z -n TEXT, A = B, N -lt M, ! ( ) -a -o */
#include "starry.h"

static char **at, **end;
static bool broken;

static bool either(void);

static bool file_test(char letter, const char *path)
{
    struct stat st;
    if (letter == 'h' || letter == 'L')
        return lstat(path, &st) == 0 && S_ISLNK(st.st_mode);
    if (letter == 'r' || letter == 'w' || letter == 'x')
        return faccessat(AT_FDCWD, path, letter == 'r' ? R_OK : letter == 'w' ? W_OK : X_OK,
                         AT_EACCESS) == 0;
    if (letter == 't')
        return isatty(atoi(path));
    if (stat(path, &st) < 0)
        return false;
    switch (letter) {
    case 'e': return true;
    case 'f': return S_ISREG(st.st_mode);
    case 'd': return S_ISDIR(st.st_mode);
    case 'p': return S_ISFIFO(st.st_mode);
    case 'S': return S_ISSOCK(st.st_mode);
    case 'c': return S_ISCHR(st.st_mode);
    case 'b': return S_ISBLK(st.st_mode);
    case 'u': return st.st_mode & S_ISUID;
    case 'g': return st.st_mode & S_ISGID;
    case 'k': return st.st_mode & S_ISVTX;
    case 's': return st.st_size > 0;
    default: return false;
    }
}

static long long integer(const char *text)
{
    char *stop;
    long long value = strtoll(text, &stop, 10);
    if (stop == text || *stop) {
        complain("%s: not a number", text);
        broken = true;
    }
    return value;
}

static int by_time(const char *a, const char *b)
{
    struct stat x, y;
    bool first = stat(a, &x) == 0, second = stat(b, &y) == 0;
    if (!first || !second)
        return first - second;
    if (x.st_mtim.tv_sec != y.st_mtim.tv_sec)
        return x.st_mtim.tv_sec < y.st_mtim.tv_sec ? -1 : 1;
    return (x.st_mtim.tv_nsec > y.st_mtim.tv_nsec) - (x.st_mtim.tv_nsec < y.st_mtim.tv_nsec);
}

static bool same_file(const char *a, const char *b)
{
    struct stat x, y;
    return stat(a, &x) == 0 && stat(b, &y) == 0 && x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

static const char *const binary[] = {"=",   "==",  "!=",  "<",   ">",   "-eq", "-ne", "-lt", "-le",
                                     "-gt", "-ge", "-nt", "-ot", "-ef", NULL};

static int binary_index(const char *word)
{
    for (int i = 0; binary[i]; i++)
        if (strcmp(binary[i], word) == 0)
            return i;
    return -1;
}

static bool compare(const char *a, int which, const char *b)
{
    if (which < 5) {
        int order = strcmp(a, b);
        return which < 2 ? order == 0 : which == 2 ? order != 0 : which == 3 ? order < 0 : order > 0;
    }
    if (which >= 11)
        return which == 11 ? by_time(a, b) > 0 : which == 12 ? by_time(a, b) < 0 : same_file(a, b);
    long long x = integer(a), y = integer(b);
    switch (which) {
    case 5: return x == y;
    case 6: return x != y;
    case 7: return x < y;
    case 8: return x <= y;
    case 9: return x > y;
    default: return x >= y;
    }
}

static bool primary(void)
{
    if (at >= end) {
        broken = true;
        return false;
    }
    if (end - at >= 3 && binary_index(at[1]) >= 0) {
        at += 3;
        return compare(at[-3], binary_index(at[-2]), at[-1]);
    }
    if (strcmp(*at, "!") == 0 && end - at > 1) {
        at++;
        return !primary();
    }
    if (strcmp(*at, "(") == 0 && end - at > 2) {
        at++;
        bool yes = either();
        if (at < end && strcmp(*at, ")") == 0)
            at++;
        else
            broken = true;
        return yes;
    }
    const char *word = *at++;
    if (word[0] == '-' && word[1] && !word[2] && at < end && strchr("hLrwxtefdpScbugksnz", word[1])) {
        const char *operand = *at++;
        if (word[1] == 'n' || word[1] == 'z')
            return (*operand != 0) == (word[1] == 'n');
        return file_test(word[1], operand);
    }
    return *word != 0;
}

static bool both(void)
{
    bool yes = primary();
    while (at < end && strcmp(*at, "-a") == 0) {
        at++;
        yes &= primary();
    }
    return yes;
}

static bool either(void)
{
    bool yes = both();
    while (at < end && strcmp(*at, "-o") == 0) {
        at++;
        yes |= both();
    }
    return yes;
}

int main_test(int argc, char **argv)
{
    broken = false;
    if (strcmp(last_part(argv[0]), "[") == 0 && strcmp(argv[--argc], "]") != 0) {
        complain("missing ]");
        return 2;
    }
    if (argc == 1)
        return 1;
    at = argv + 1;
    end = argv + argc;
    bool yes = either();
    if (at < end && !broken) {
        complain("%s: unexpected", *at);
        return 2;
    }
    return broken ? 2 : !yes;
}
