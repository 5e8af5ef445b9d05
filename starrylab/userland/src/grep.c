/* grep - lines that match: grep [-EFivnclqrhHo] [-e] PATTERN [file...] */
#include <regex.h>
#include "starry.h"

static bool invert, numbers, count_only, names_only, quiet, deep, titles, fixed, no_case, parts;
static bool hide_titles, whole;
static const char *pattern;
static regex_t regex;
static bool any;

/* Where the pattern stands in a line; false when it does not. */
static bool search(const char *line, regmatch_t *where)
{
    if (!fixed)
        return regexec(&regex, line, 1, where, 0) == 0 &&
               (!whole || (where->rm_so == 0 && !line[where->rm_eo]));
    const char *at = no_case ? strcasestr(line, pattern) : strstr(line, pattern);
    if (!at || (whole && strcmp(line, pattern) != 0))
        return false;
    where->rm_so = at - line;
    where->rm_eo = where->rm_so + strlen(pattern);
    return true;
}

static void title(const char *name, unsigned long line)
{
    if (titles)
        printf("%s:", name);
    if (numbers && line)
        printf("%lu:", line);
}

static void print_parts(const char *name, unsigned long number, const char *line)
{
    regmatch_t where;
    while (*line && search(line, &where)) {
        if (where.rm_eo > where.rm_so) {
            title(name, number);
            printf("%.*s\n", (int)(where.rm_eo - where.rm_so), line + where.rm_so);
        }
        line += where.rm_eo > 0 ? where.rm_eo : 1;
    }
}

static int use(FILE *in, const char *name)
{
    char *line = NULL;
    size_t room = 0;
    unsigned long number = 0, found = 0;
    for (ssize_t n; (n = getline(&line, &room, in)) > 0;) {
        regmatch_t where;
        number++;
        if (line[n - 1] == '\n')
            line[n - 1] = 0;
        if (search(line, &where) == invert)
            continue;
        found++;
        any = true;
        if (quiet || names_only)
            break;
        if (count_only)
            continue;
        if (parts && !invert) {
            print_parts(name, number, line);
        } else {
            title(name, number);
            puts(line);
        }
    }
    if (names_only && found && !quiet)
        puts(strcmp(name, "-") == 0 ? "(standard input)" : name);
    if (count_only && !quiet && !names_only) {
        title(name, 0);
        printf("%lu\n", found);
    }
    free(line);
    return 0;
}

static int walk(const char *path)
{
    struct stat st;
    if (stat(path, &st) < 0) {
        warn_errno(path);
        return 2;
    }
    if (!S_ISDIR(st.st_mode))
        return each_input(1, (char *[]){(char *)path}, 0, use) ? 2 : 0;
    DIR *folder = opendir(path);
    if (!folder) {
        warn_errno(path);
        return 2;
    }
    int status = 0;
    for (struct dirent *entry; (entry = readdir(folder));) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0 ||
            entry->d_type == DT_LNK)
            continue;
        char *below = join_path(path, entry->d_name);
        status |= walk(below);
        free(below);
    }
    closedir(folder);
    return status;
}

int main_grep(int argc, char **argv)
{
    int option, flags = 0, status = 0;
    while ((option = getopt(argc, argv, "EFGivnclqrRhHose:wx")) != -1) {
        switch (option) {
        case 'E': flags |= REG_EXTENDED; break;
        case 'F': fixed = true; break;
        case 'G':
        case 's': break;
        case 'i': no_case = true; break;
        case 'v': invert = true; break;
        case 'n': numbers = true; break;
        case 'c': count_only = true; break;
        case 'l': names_only = true; break;
        case 'q': quiet = true; break;
        case 'r':
        case 'R': deep = titles = true; break;
        case 'h': hide_titles = true; break;
        case 'H': titles = true; break;
        case 'o': parts = true; break;
        case 'x': whole = true; break;
        case 'e': pattern = optarg; break;
        default: die("usage: grep [-EFivnclqrhHox] pattern [file...]");
        }
    }
    if (!pattern && optind == argc)
        die("usage: grep [-EFivnclqrhHox] pattern [file...]");
    if (!pattern)
        pattern = argv[optind++];
    int error = fixed ? 0 : regcomp(&regex, pattern, flags | (no_case ? REG_ICASE : 0));
    if (error) {
        char text[128];
        regerror(error, &regex, text, sizeof text);
        complain("%s: %s", pattern, text);
        return 2;
    }
    titles = (titles || argc - optind > 1) && !hide_titles;
    if (deep)
        for (int i = optind; i < argc || (i == optind && i == argc); i++)
            status |= walk(i < argc ? argv[i] : ".");
    else
        status = each_input(argc, argv, optind, use) ? 2 : 0;
    return any && (quiet || !status) ? 0 : status ? status : 1;
}
