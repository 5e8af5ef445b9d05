/* xargs - words of standard input as arguments: xargs [-0] [-n N] [-I X] [-r] [command...] */
#include "starry.h"

static bool zero, keep_empty = true;
static long most = 500;
static const char *replace;
static int worst;

static void run(char **words)
{
    fflush(stdout);
    pid_t pid = fork();
    if (pid < 0)
        die_errno("fork");
    if (pid == 0) {
        int null = open("/dev/null", O_RDONLY);
        if (null >= 0)
            dup2(null, 0);
        execvp(words[0], words);
        warn_errno(words[0]);
        _exit(127);
    }
    int status;
    waitpid(pid, &status, 0);
    if (status)
        worst = WIFEXITED(status) && WEXITSTATUS(status) == 127 ? 127 : 123;
}

/* The next word; quotes and backslash protect blanks. NULL at the end. */
static char *next_word(void)
{
    size_t size = 0, room = 64;
    char *word = need(room);
    bool any = false;
    int c, quote = 0;
    while ((c = getchar()) != EOF) {
        if (zero ? c == 0 : replace ? c == '\n' : !quote && isspace(c)) {
            if (any)
                break;
            continue;
        }
        any = true;
        if (!zero && (quote ? c == quote : c == '"' || c == '\'')) {
            quote = quote ? 0 : c;
            continue;
        }
        if (!zero && !quote && c == '\\' && (c = getchar()) == EOF)
            break;
        if (size + 2 > room)
            word = need_more(word, room *= 2);
        word[size++] = c;
    }
    word[size] = 0;
    if (any)
        return word;
    free(word);
    return NULL;
}

static char *with(const char *text, const char *word)
{
    const char *found = strstr(text, replace);
    if (!found)
        return strdup(text);
    char *out = need(strlen(text) + strlen(word) + 1);
    sprintf(out, "%.*s%s%s", (int)(found - text), text, word, found + strlen(replace));
    return out;
}

int main_xargs(int argc, char **argv)
{
    int option;
    while ((option = getopt(argc, argv, "+0n:I:r")) != -1) {
        switch (option) {
        case '0': zero = true; break;
        case 'n': most = atol(optarg); break;
        case 'I': replace = optarg; break;
        case 'r': keep_empty = false; break;
        default: die("usage: xargs [-0r] [-n count] [-I text] [command...]");
        }
    }
    static char *echo[] = {"echo"};
    char **command = optind < argc ? argv + optind : echo;
    int fixed = optind < argc ? argc - optind : 1, count = 0;
    char **words = need((fixed + most + 1) * sizeof *words), *word;
    bool ran = false;
    memcpy(words, command, fixed * sizeof *words);
    while ((word = next_word())) {
        if (replace) {
            for (int i = 0; i < fixed; i++)
                words[i] = with(command[i], word);
            words[fixed] = NULL;
        } else {
            words[fixed + count++] = word;
            words[fixed + count] = NULL;
        }
        if (replace || count == most) {
            run(words);
            ran = true;
            count = 0;
        }
    }
    words[fixed + count] = NULL;
    if (!replace && (count || (!ran && keep_empty)))
        run(words);
    return worst;
}
