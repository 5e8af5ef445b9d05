/* sh - the shell: sh [-l] [-i] [-eux] [-c COMMAND [NAME]] [FILE] [ARGUMENT...] */
#include "sh.h"

struct shell sh;

extern char **environ;

void sh_error(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    complain_of(format, args);
    va_end(args);
    sh.status = 2;
    longjmp(*sh.abort, 1);
}

static void on_interrupt(int number)
{
    sh.interrupted = true; /* it ends loops, and a read() of the line editor or of `read` */
}

/* PS1: \w folder, \u user, \h host, \$ # for root, \? last status */
static char *prompt_text(const char *from)
{
    static char text[256];
    size_t size = 0;
    char word[4096];
    text[0] = 0;
    for (; *from && size < sizeof text - 2; from++) {
        if (*from != '\\' || !from[1]) {
            text[size++] = *from;
            text[size] = 0;
            continue;
        }
        const char *home = get_var("HOME");
        word[0] = 0;
        switch (*++from) {
        case 'w':
            if (!getcwd(word, sizeof word))
                strcpy(word, "?");
            if (home && home[1] && strncmp(word, home, strlen(home)) == 0) {
                memmove(word + 1, word + strlen(home), strlen(word + strlen(home)) + 1);
                word[0] = '~';
            }
            break;
        case 'u': snprintf(word, sizeof word, "%s", user_name(getuid())); break;
        case 'h': gethostname(word, sizeof word); break;
        case '$': strcpy(word, getuid() == 0 ? "#" : "$"); break;
        case '?': snprintf(word, sizeof word, "%d", sh.status); break;
        default: word[0] = *from, word[1] = 0;
        }
        size += snprintf(text + size, sizeof text - size, "%s", word);
        if (size >= sizeof text)
            size = sizeof text - 1;
    }
    return text;
}

static char *terminal_line(struct source *in, bool first)
{
    if (sh.interrupted)
        fputc('\n', stderr); /* behind the terminal's ^C */
    if (first)
        jobs_report();
    const char *ps = get_var(first ? "PS1" : "PS2");
    char *line;
    while (!(line = edit_line(prompt_text(ps ? ps : first ? "\\w\\$ " : "> ")))) {
        if (errno != EINTR)
            return NULL; /* Ctrl-D */
        sh.status = 130; /* Ctrl-C: forget the line, begin a new one */
        if (!first)
            longjmp(*in->on_error, 1);
    }
    if (line[0] != '\n')
        history_add(line);
    sh.interrupted = false;
    return line;
}

/* Standard input is shared with the commands, so not a byte too much may be read. */
static char *byte_line(struct source *in, bool first)
{
    size_t size = 0, room = 128;
    char *line = need(room);
    for (;;) {
        char c;
        ssize_t n = read(0, &c, 1);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            break;
        if (size + 2 > room)
            line = need_more(line, room *= 2);
        line[size++] = c;
        if (c == '\n')
            break;
    }
    line[size] = 0;
    if (size)
        return line;
    free(line);
    return NULL;
}

static char *script_line(struct source *in, bool first)
{
    char *line = NULL;
    size_t room = 0;
    if (getline(&line, &room, in->file) >= 0)
        return line;
    free(line);
    return NULL;
}

static void import_environment(void)
{
    for (char **entry = environ; *entry; entry++) {
        size_t size = name_length(*entry);
        if (!size || (*entry)[size] != '=')
            continue;
        char *name = strndup(*entry, size);
        set_var(name, *entry + size + 1);
        export_var(name);
        free(name);
    }
    char here[4096], number[16];
    if (getcwd(here, sizeof here))
        set_var("PWD", here);
    snprintf(number, sizeof number, "%d", (int)getppid());
    set_var("PPID", number);
    set_var("OPTIND", "1");
    set_var("IFS", " \t\n");
    if (!get_var("PATH"))
        set_var("PATH", "/bin:/usr/bin:/sbin:/usr/sbin");
}

static void read_profile(void)
{
    FILE *file = fopen("/etc/profile", "re");
    if (!file)
        return;
    struct source in = {.more = script_line, .file = file};
    run_source(&in);
    fclose(file);
}

static void run_file(const char *name)
{
    struct source in = {.more = script_line, .file = fopen(name, "re")};
    if (!in.file) {
        complain("%s: %s", name, strerror(errno));
        leave(127);
    }
    leave(run_source(&in));
}

static void run_interactive(void)
{
    struct sigaction action = {.sa_handler = on_interrupt};
    sigaction(SIGINT, &action, NULL);
    signal(SIGTERM, SIG_IGN);
    jobs_init();
    struct source in = {.more = terminal_line};
    run_source(&in);
    fprintf(stderr, "exit\n");
    leave(sh.status);
}

int main_sh(int argc, char **argv)
{
    const char *command = NULL;
    bool login = argv[0][0] == '-', use_stdin = false;
    int i = 1;
    sh.pid = getpid();
    for (; i < argc && argv[i][0] == '-' && argv[i][1]; i++) {
        if (strcmp(argv[i], "--") == 0) {
            i++;
            break;
        }
        for (char *letter = argv[i] + 1; *letter; letter++) {
            switch (*letter) {
            case 'l': login = true; break;
            case 'i': sh.interactive = true; break;
            case 's': use_stdin = true; break;
            case 'e': sh.opt_e = true; break;
            case 'u': sh.opt_u = true; break;
            case 'x': sh.opt_x = true; break;
            case 'f': sh.opt_f = true; break;
            case 'n': sh.opt_n = true; break;
            case 'c':
                if (i + 1 == argc)
                    die("-c needs a command");
                command = argv[i + 1];
                break;
            default: die("-%c: no such option", *letter);
            }
        }
        if (command) {
            i += 2;
            break;
        }
    }
    char *script = !command && !use_stdin && i < argc ? argv[i] : NULL;
    static char *no_args[] = {"sh", NULL};
    sh.args = (command || script) && i < argc ? argv + i : no_args;
    if (use_stdin && i < argc) {
        sh.args = argv + i - 1;
        sh.args[0] = "sh";
    }
    while (sh.args[sh.arg_count + 1])
        sh.arg_count++;
    if (!command && !script && isatty(0) && isatty(2))
        sh.interactive = true;
    import_environment();
    if (login)
        read_profile();
    if (command)
        leave(run_text(command));
    if (script)
        run_file(script);
    if (sh.interactive)
        run_interactive();
    struct source in = {.more = byte_line};
    leave(run_source(&in));
}
