/* chmod - change permissions: chmod [-R] 755|u+x,go-w|a=r file... */
#include "starry.h"

static mode_t class_mask(char who)
{
    return who == 'u' ? 04700 : who == 'g' ? 02070 : who == 'o' ? 01007 : 07777;
}

/* A symbolic mode, see chmod(1p); false when it cannot be understood. */
static bool symbolic(const char *text, mode_t *mode, bool folder)
{
    while (*text) {
        mode_t who = 0;
        for (; *text && strchr("ugoa", *text); text++)
            who |= class_mask(*text);
        mode_t mask = 0;
        if (!who) { /* without a class, the umask decides too */
            mask = umask(0);
            umask(mask);
            who = 07777;
        }
        if (!*text || !strchr("+-=", *text))
            return false;
        char operation = *text++;
        mode_t bits = 0;
        for (; *text && *text != ','; text++) {
            switch (*text) {
            case 'r': bits |= 0444; break;
            case 'w': bits |= 0222; break;
            case 'x': bits |= 0111; break;
            case 'X': bits |= folder || (*mode & 0111) ? 0111 : 0; break;
            case 's': bits |= 06000; break;
            case 't': bits |= 01000; break;
            default: return false;
            }
        }
        bits &= who & ~mask;
        if (operation == '=')
            *mode &= ~(who & 0777);
        *mode = operation == '-' ? *mode & ~bits : *mode | bits;
        if (*text == ',')
            text++;
    }
    return true;
}

static int change(const char *path, const char *text, bool deep)
{
    struct stat st;
    if (stat(path, &st) < 0) {
        warn_errno(path);
        return 1;
    }
    char *end;
    mode_t mode = strtol(text, &end, 8);
    if (*end) {
        mode = st.st_mode & 07777;
        if (!symbolic(text, &mode, S_ISDIR(st.st_mode)))
            die("%s: not a mode", text);
    }
    int status = chmod(path, mode) < 0;
    if (status)
        warn_errno(path);
    DIR *folder = deep && S_ISDIR(st.st_mode) ? opendir(path) : NULL;
    for (struct dirent *entry; folder && (entry = readdir(folder));) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0 ||
            entry->d_type == DT_LNK)
            continue;
        char *below = join_path(path, entry->d_name);
        status |= change(below, text, deep);
        free(below);
    }
    if (folder)
        closedir(folder);
    return status;
}

int main_chmod(int argc, char **argv)
{
    bool deep = argc > 1 && strcmp(argv[1], "-R") == 0;
    int first = 1 + deep, status = 0;
    if (argc < first + 2)
        die("usage: chmod [-R] mode file...");
    for (int i = first + 1; i < argc; i++)
        status |= change(argv[i], argv[first], deep);
    return status;
}
