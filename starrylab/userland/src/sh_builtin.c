/* Commands that must run in the shell itself, and some that only do so because it is quicker. */
#include "sh.h"

static int builtin_cd(int argc, char **argv)
{
    const char *to = argc > 1 ? argv[1] : get_var("HOME");
    bool back = to && strcmp(to, "-") == 0;
    if (back)
        to = get_var("OLDPWD");
    if (!to) {
        complain(back ? "OLDPWD is not set" : "HOME is not set");
        return 1;
    }
    char before[4096], now[4096];
    if (!getcwd(before, sizeof before))
        strcpy(before, "");
    if (chdir(to) < 0) {
        warn_errno(to);
        return 1;
    }
    set_var("OLDPWD", before);
    if (getcwd(now, sizeof now))
        set_var("PWD", now);
    if (back)
        puts(now);
    return 0;
}

static int builtin_exit(int argc, char **argv)
{
    leave(argc > 1 ? atoi(argv[1]) & 255 : sh.status);
}

static int builtin_return(int argc, char **argv)
{
    sh.returning = true;
    return argc > 1 ? atoi(argv[1]) & 255 : sh.status;
}

static int builtin_break(int argc, char **argv)
{
    int levels = argc > 1 ? atoi(argv[1]) : 1;
    if (levels < 1 || sh.loops == 0)
        return levels < 1;
    if (levels > sh.loops)
        levels = sh.loops;
    *(*argv[0] == 'b' ? &sh.breaking : &sh.continuing) = levels;
    return 0;
}

static void set_pair(char *word, bool export)
{
    char *equals = strchr(word, '=');
    char *name = equals ? arena_copy(word, equals - word) : word;
    if (!is_name(name, strlen(name)))
        sh_error("%s: not a name", name);
    if (equals)
        set_var(name, equals + 1);
    if (export)
        export_var(name);
}

static int builtin_export(int argc, char **argv)
{
    if (argc == 1 || strcmp(argv[1], "-p") == 0)
        print_exports();
    else
        for (int i = 1; i < argc; i++)
            set_pair(argv[i], true);
    return 0;
}

static int builtin_local(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        local_var(arena_copy(argv[i], strcspn(argv[i], "=")));
        if (strchr(argv[i], '='))
            set_pair(argv[i], false);
    }
    return 0;
}

static int builtin_unset(int argc, char **argv)
{
    for (int i = 1; i < argc; i++)
        if (*argv[i] != '-')
            unset_var(argv[i]);
    return 0;
}

static bool *option(char letter)
{
    switch (letter) {
    case 'e': return &sh.opt_e;
    case 'x': return &sh.opt_x;
    case 'u': return &sh.opt_u;
    case 'f': return &sh.opt_f;
    case 'n': return &sh.opt_n;
    default: return NULL;
    }
}

static int builtin_set(int argc, char **argv)
{
    int i = 1;
    if (argc == 1)
        print_variables();
    for (; i < argc && (*argv[i] == '-' || *argv[i] == '+') && argv[i][1]; i++) {
        if (strcmp(argv[i], "--") == 0)
            break;
        for (char *letter = argv[i] + 1; *letter; letter++) {
            bool *flag = option(*letter);
            if (!flag) {
                complain("-%c: no such option", *letter);
                return 2;
            }
            *flag = *argv[i] == '-';
        }
    }
    if (i == argc)
        return 0;
    if (strcmp(argv[i], "--") == 0)
        i++;
    char **args = need((argc - i + 2) * sizeof *args); /* lives as long as the function or shell */
    args[0] = sh.args[0];
    for (int k = 0; k <= argc - i; k++)
        args[k + 1] = argv[i + k] ? strdup(argv[i + k]) : NULL;
    sh.args = args;
    sh.arg_count = argc - i;
    return 0;
}

static int builtin_shift(int argc, char **argv)
{
    int by = argc > 1 ? atoi(argv[1]) : 1;
    if (by < 0 || by > sh.arg_count) {
        complain("cannot shift that many");
        return 1;
    }
    char *self = sh.args[0];
    sh.args += by;
    sh.args[0] = self;
    sh.arg_count -= by;
    return 0;
}

/* One line, byte by byte: what stands behind it belongs to the next reader. */
static bool read_line(char **out, bool raw)
{
    size_t size = 0, room = 128;
    char *line = need(room), c;
    for (;;) {
        ssize_t n = read(0, &c, 1);
        if (n < 0 && errno == EINTR && !sh.any_pending)
            continue;
        if (n <= 0 || c == '\n')
            break;
        if (c == '\\' && !raw) {
            if (read(0, &c, 1) != 1)
                break;
            if (c == '\n')
                continue;
        }
        if (size + 2 > room)
            line = need_more(line, room *= 2);
        line[size++] = c;
    }
    line[size] = 0;
    *out = arena_copy(line, size);
    free(line);
    return c == '\n';
}

static int builtin_read(int argc, char **argv)
{
    int first = 1;
    bool raw = false;
    for (; first < argc && *argv[first] == '-'; first++) {
        raw |= strchr(argv[first], 'r') != NULL;
        if (strcmp(argv[first], "-p") == 0 && first + 1 < argc)
            fprintf(stderr, "%s", argv[++first]);
    }
    const char *ifs = get_var("IFS");
    if (!ifs)
        ifs = " \t\n";
    char *line = "", *at;
    bool complete = read_line(&line, raw);
    at = line;
    static char *reply[] = {"REPLY", NULL};
    char **names = first < argc ? argv + first : reply;
    for (; *names; names++) {
        while (*at && isspace((unsigned char)*at) && strchr(ifs, *at))
            at++;
        size_t size = names[1] ? strcspn(at, ifs) : strlen(at);
        size_t kept = size;
        while (!names[1] && kept && isspace((unsigned char)at[kept - 1]) && strchr(ifs, at[kept - 1]))
            kept--;
        set_var(*names, arena_copy(at, kept));
        at += size + (at[size] != 0);
    }
    return complete ? 0 : 1;
}

static void on_signal(int number)
{
    sh.pending[number] = 1;
    sh.any_pending = 1;
}

static int builtin_trap(int argc, char **argv)
{
    if (argc == 1) {
        for (int i = 0; i <= 64; i++)
            if (sh.traps[i])
                printf("trap -- '%s' %s\n", sh.traps[i], i ? signal_name(i) : "EXIT");
        return 0;
    }
    int first = strcmp(argv[1], "--") == 0 ? 2 : 1;
    bool reset = strcmp(argv[first], "-") == 0 || signal_number(argv[first]) >= 0;
    for (int i = reset && signal_number(argv[first]) >= 0 ? first : first + 1; i < argc; i++) {
        int number = strcasecmp(argv[i], "EXIT") == 0 ? 0 : signal_number(argv[i]);
        if (number < 0) {
            complain("%s: no such signal", argv[i]);
            return 1;
        }
        free(sh.traps[number]);
        sh.traps[number] = reset ? NULL : strdup(argv[first]);
        if (number == 0)
            continue;
        struct sigaction action = {0}; /* no SA_RESTART: `wait` must notice */
        action.sa_handler = reset ? SIG_DFL : *argv[first] ? on_signal : SIG_IGN;
        sigaction(number, &action, NULL);
    }
    return 0;
}

static char *file_line(struct source *in, bool first)
{
    char *line = NULL;
    size_t room = 0;
    if (getline(&line, &room, in->file) < 0) {
        free(line);
        return NULL;
    }
    return line;
}

static int builtin_dot(int argc, char **argv)
{
    if (argc < 2) {
        complain("needs a file");
        return 2;
    }
    char *path = strchr(argv[1], '/') ? argv[1] : find_program(argv[1]);
    struct source in = {.more = file_line, .file = fopen(path ? path : argv[1], "re")};
    if (!in.file) {
        warn_errno(argv[1]);
        return 1;
    }
    sh.status = 0;
    int status = run_source(&in);
    fclose(in.file);
    sh.returning = false;
    return status;
}

static int builtin_eval(int argc, char **argv)
{
    size_t size = 1;
    for (int i = 1; i < argc; i++)
        size += strlen(argv[i]) + 1;
    char *text = arena(size);
    *text = 0;
    for (int i = 1; i < argc; i++)
        sprintf(text + strlen(text), "%s%s", i > 1 ? " " : "", argv[i]);
    return run_text(text);
}

static int builtin_exec(int argc, char **argv)
{
    if (argc == 1)
        return 0; /* only its redirections count */
    char *path = find_program(argv[1]);
    if (path) {
        if (sh.interactive) /* what the shell ignores, a program must not */
            for (int i = 1; i < 32; i++)
                if (!sh.traps[i])
                    signal(i, SIG_DFL);
        execve(path, argv + 1, environment());
        warn_errno(argv[1]);
    } else {
        complain("%s: not found", argv[1]);
    }
    if (!sh.interactive)
        leave(path ? 126 : 127);
    return path ? 126 : 127;
}

static int builtin_umask(int argc, char **argv)
{
    mode_t old = umask(0);
    umask(argc > 1 ? (mode_t)strtol(argv[1], NULL, 8) : old);
    if (argc == 1)
        printf("%04o\n", old);
    return 0;
}

static int builtin_type(int argc, char **argv)
{
    bool special;
    int status = 0, first = 1;
    bool brief = strcmp(argv[0], "command") == 0; /* command -v */
    if (brief && argc > 1 && strcmp(argv[1], "-v") == 0)
        first++;
    for (int i = first; i < argc; i++) {
        char *path = NULL;
        if (find_function(argv[i]))
            printf(brief ? "%s\n" : "%s is a function\n", argv[i]);
        else if (find_builtin(argv[i], &special))
            printf(brief ? "%s\n" : "%s is a shell builtin\n", argv[i]);
        else if ((path = find_program(argv[i])))
            brief ? printf("%s\n", path) : printf("%s is %s\n", argv[i], path);
        else
            status = 1;
    }
    return status;
}

static int builtin_colon(int argc, char **argv)
{
    return 0;
}

static int builtin_history(int argc, char **argv);

static const struct {
    const char *name;
    builtin *run;
    bool special; /* POSIX 2.14: assignments before it stay */
} table[] = {
    {":", builtin_colon, true},       {".", builtin_dot, true},       {"[", main_test, false},
    {"bg", builtin_bg, false},        {"break", builtin_break, true}, {"cd", builtin_cd, false},
    {"command", builtin_type, false}, {"continue", builtin_break, true},
    {"echo", main_echo, false},       {"eval", builtin_eval, true},   {"exec", builtin_exec, true},
    {"exit", builtin_exit, true},     {"export", builtin_export, true},
    {"false", main_false, false},     {"fg", builtin_fg, false},      {"history", builtin_history, false},
    {"jobs", builtin_jobs, false},    {"kill", builtin_kill, false},  {"local", builtin_local, false},
    {"printf", main_printf, false},   {"pwd", main_pwd, false},       {"read", builtin_read, false},
    {"return", builtin_return, true}, {"set", builtin_set, true},     {"shift", builtin_shift, true},
    {"source", builtin_dot, true},    {"test", main_test, false},     {"trap", builtin_trap, true},
    {"true", main_true, false},       {"type", builtin_type, false},  {"umask", builtin_umask, false},
    {"unset", builtin_unset, true},   {"wait", builtin_wait, false},
};

static int builtin_history(int argc, char **argv)
{
    history_print();
    return 0;
}

builtin *find_builtin(const char *name, bool *special)
{
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        if (strcmp(table[i].name, name) == 0) {
            *special = table[i].special;
            return table[i].run;
        }
    return NULL;
}
