/* Running the tree: pipelines, lists, loops, functions, redirections. */
#include <fnmatch.h>
#include "sh.h"

/* --- redirections ----------------------------------------------------------------------- */

struct saved_fd {
    struct saved_fd *next;
    int fd, copy; /* copy is -1 when fd was closed */
    int level;
};

static struct saved_fd *saved_fds;
static int redirect_level;

static void save_fd(int fd)
{
    struct saved_fd *save = need(sizeof *save);
    save->fd = fd;
    save->copy = fcntl(fd, F_DUPFD_CLOEXEC, 100); /* out of the way of the user's numbers */
    save->level = redirect_level;
    save->next = saved_fds;
    saved_fds = save;
}

void undo_redirects(void)
{
    fflush(stdout);
    while (saved_fds && saved_fds->level == redirect_level) {
        struct saved_fd *save = saved_fds;
        saved_fds = save->next;
        if (save->copy < 0) {
            close(save->fd);
        } else {
            dup2(save->copy, save->fd);
            close(save->copy);
        }
        free(save);
    }
    redirect_level--;
}

/* A here-document is a pipe when it fits, otherwise a temporary file without a name. */
static int open_here(const char *text)
{
    size_t size = strlen(text);
    int ends[2];
    if (size <= 4096) {
        if (pipe2(ends, O_CLOEXEC) < 0)
            return -1;
        write_all(ends[1], text, size);
        close(ends[1]);
        return ends[0];
    }
    char name[] = "/tmp/sh-here-XXXXXX";
    int fd = mkstemp(name);
    if (fd < 0)
        return -1;
    unlink(name);
    write_all(fd, text, size);
    lseek(fd, 0, SEEK_SET);
    return fd;
}

static int open_redirect(struct redirect *r, const char *word)
{
    switch (r->kind) {
    case R_IN: return open(word, O_RDONLY);
    case R_BOTH: return open(word, O_RDWR | O_CREAT, 0666);
    case R_APPEND: return open(word, O_WRONLY | O_CREAT | O_APPEND, 0666);
    case R_HERE: return open_here(word);
    default: return open(word, O_WRONLY | O_CREAT | O_TRUNC, 0666);
    }
}

/* keep: for good (exec, a child); otherwise undo_redirects() brings the old ones back. */
bool apply_redirects(struct redirect *r, bool keep)
{
    fflush(stdout);
    if (!keep)
        redirect_level++;
    for (; r; r = r->next) {
        const char *word = r->kind != R_HERE ? expand_string(r->word)
                           : r->literal      ? r->word
                                             : expand_here(r->word);
        if (!keep)
            save_fd(r->fd);
        if (r->kind == R_DUP) {
            if (strcmp(word, "-") == 0) {
                close(r->fd);
            } else if (!isdigit((unsigned char)*word) || dup2(atoi(word), r->fd) < 0) {
                complain("%s: bad file descriptor", word);
                return false;
            }
            continue;
        }
        int fd = open_redirect(r, word);
        if (fd < 0) {
            warn_errno(word);
            return false;
        }
        if (fd != r->fd) {
            dup2(fd, r->fd);
            close(fd);
        } else {
            fcntl(fd, F_SETFD, 0);
        }
    }
    return true;
}

/* --- functions -------------------------------------------------------------------------- */

static struct function {
    struct function *next;
    char *name;
    struct node *body;
} *functions;

struct node *find_function(const char *name)
{
    for (struct function *f = functions; f; f = f->next)
        if (strcmp(f->name, name) == 0)
            return f->body;
    return NULL;
}

static void define_function(const char *name, struct node *body)
{
    struct function *f = functions;
    while (f && strcmp(f->name, name) != 0)
        f = f->next;
    if (!f) {
        f = need(sizeof *f);
        f->name = strdup(name);
        f->next = functions;
        functions = f;
    }
    f->body = body;
}

static int call_function(struct node *body, int argc, char **argv)
{
    if (sh.functions > 1000)
        sh_error("%s: functions call each other too deeply", argv[0]);
    char **args = sh.args;
    int count = sh.arg_count, locals = locals_mark();
    char *self = args[0];
    sh.args = argv;
    sh.arg_count = argc - 1;
    argv[0] = self;
    sh.functions++;
    int status = run_node(body, false);
    sh.functions--;
    sh.returning = false;
    sh.args = args;
    sh.arg_count = count;
    locals_restore(locals);
    return status;
}

/* --- simple commands -------------------------------------------------------------------- */

char *find_program(const char *name)
{
    if (strchr(name, '/'))
        return access(name, F_OK) == 0 ? arena_copy(name, strlen(name)) : NULL;
    const char *path = get_var("PATH");
    if (!path)
        path = "/bin:/usr/bin";
    for (;;) {
        size_t size = strcspn(path, ":");
        char *full = arena(size + strlen(name) + 3);
        sprintf(full, "%.*s%s%s", (int)size, path, size ? "/" : "./", name);
        struct stat st;
        if (access(full, X_OK) == 0 && stat(full, &st) == 0 && S_ISREG(st.st_mode))
            return full;
        if (!path[size])
            return NULL;
        path += size + 1;
    }
}

static _Noreturn void become(char **argv)
{
    char *path = find_program(argv[0]);
    if (!path) {
        complain("%s: not found", argv[0]);
        _exit(127);
    }
    char **env = environment();
    execve(path, argv, env);
    if (errno == ENOEXEC) { /* a script without #! */
        int argc = 0;
        while (argv[argc])
            argc++;
        char **again = arena((argc + 2) * sizeof *again);
        again[0] = "sh";
        again[1] = path;
        memcpy(again + 2, argv + 1, argc * sizeof *again);
        execve("/bin/sh", again, env);
    }
    warn_errno(argv[0]);
    _exit(126);
}

static bool is_assignment(const char *word)
{
    size_t size = name_length(word);
    return size && word[size] == '=';
}

static void assign(const char *word, bool exported)
{
    size_t size = name_length(word);
    char *name = arena_copy(word, size);
    set_var(name, expand_string(word + size + 1));
    if (exported)
        export_var(name);
}

static int run_in_shell(struct node *node, builtin *run, struct node *body, char **argv,
                        int assignments, bool special)
{
    int argc = 0, locals = locals_mark(), status = 1;
    while (argv[argc])
        argc++;
    for (int i = 0; i < assignments; i++) {
        if (!special)
            local_var(arena_copy(node->words[i], name_length(node->words[i])));
        assign(node->words[i], false);
    }
    bool keep = run && strcmp(argv[0], "exec") == 0;
    if (apply_redirects(node->redirects, keep)) {
        const char *outer = program;
        if (run)
            program = argv[0];
        status = run ? run(argc, argv) : call_function(body, argc, argv);
        bool failed = fflush(stdout) != 0 || ferror(stdout);
        if (run && failed) { /* what was printed is known to be lost only now */
            warn_errno("write error");
            status = 1;
        }
        clearerr(stdout);
        program = outer;
    }
    if (!keep)
        undo_redirects();
    if (!special && assignments) /* `local` itself must not be undone */
        locals_restore(locals);
    return status;
}

static int run_external(struct node *node, char **argv, int assignments, bool last)
{
    struct job *job = NULL;
    if (!last || sh.traps[0]) {
        job = job_new(node->text ? node->text : argv[0]);
        if (fork_part(job, true) != 0)
            return job_wait(job);
    }
    fflush(stdout);
    for (int i = 0; i < assignments; i++)
        assign(node->words[i], true);
    if (!apply_redirects(node->redirects, true))
        _exit(1);
    become(argv);
}

static int run_simple(struct node *node, bool last)
{
    int assignments = 0;
    sh.errored = false;
    while (node->words && node->words[assignments] && is_assignment(node->words[assignments]))
        assignments++;
    char **argv = node->words ? expand_words(node->words + assignments) : (char *[]){NULL};
    if (sh.opt_x) {
        fprintf(stderr, "+");
        for (int i = 0; i < assignments; i++)
            fprintf(stderr, " %s", node->words[i]);
        for (char **word = argv; *word; word++)
            fprintf(stderr, " %s", *word);
        fputc('\n', stderr);
    }
    if (!argv[0]) { /* only assignments: they stay, and $(...) in them sets the status */
        sh.status = 0;
        for (int i = 0; i < assignments; i++)
            assign(node->words[i], false);
        if (node->redirects) {
            bool ok = apply_redirects(node->redirects, false);
            undo_redirects();
            return ok ? sh.status : 1;
        }
        return sh.status;
    }
    struct node *body = find_function(argv[0]);
    bool special = false;
    builtin *run = body ? NULL : find_builtin(argv[0], &special);
    if (run || body)
        return run_in_shell(node, run, body, argv, assignments, special);
    return run_external(node, argv, assignments, last);
}

/* --- processes -------------------------------------------------------------------------- */

static _Noreturn void run_child(struct node *node)
{
    jmp_buf abort_here;
    sh.abort = &abort_here;
    if (setjmp(abort_here) == 0)
        sh.status = run_node(node, true);
    leave(sh.status);
}

static int run_pipeline(struct node *node)
{
    struct job *job = job_new(node->text);
    int before = -1, ends[2] = {-1, -1};
    for (struct node *part = node->left; part; part = part->next) {
        if (part->next && pipe2(ends, O_CLOEXEC) < 0)
            sh_error("pipe: %s", strerror(errno));
        if (fork_part(job, true) == 0) {
            if (before >= 0)
                dup2(before, 0);
            if (part->next)
                dup2(ends[1], 1);
            close(before);
            if (part->next) {
                close(ends[0]);
                close(ends[1]);
            }
            run_child(part);
        }
        close(before);
        if (part->next)
            close(ends[1]);
        before = ends[0];
    }
    return job_wait(job);
}

static int run_subshell(struct node *node, bool last)
{
    if (!last || sh.traps[0]) {
        struct job *job = job_new(node->text);
        if (fork_part(job, true) != 0)
            return job_wait(job);
    }
    sh.subshell = true;
    if (!apply_redirects(node->redirects, true))
        _exit(1);
    run_child(node->left);
}

static int run_background(struct node *node)
{
    struct job *job = job_new(node->text);
    if (fork_part(job, false) == 0)
        run_child(node->left);
    job_background(job);
    return 0;
}

char *command_output(const char *text)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) < 0)
        sh_error("pipe: %s", strerror(errno));
    fflush(stdout);
    pid_t pid = fork();
    if (pid < 0)
        sh_error("fork: %s", strerror(errno));
    if (pid == 0) {
        dup2(ends[1], 1);
        jobs_forget();
        sh.subshell = true;
        jmp_buf abort_here;
        sh.abort = &abort_here;
        if (setjmp(abort_here) == 0)
            sh.status = run_text(text);
        leave(sh.status);
    }
    close(ends[1]);
    size_t size = 0, room = 4096;
    char *output = need(room);
    ssize_t n;
    while ((n = read(ends[0], output + size, room - size)) > 0 || (n < 0 && errno == EINTR)) {
        size += n > 0 ? n : 0;
        if (size == room)
            output = need_more(output, room *= 2);
    }
    close(ends[0]);
    int status;
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    sh.status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    while (size > 0 && output[size - 1] == '\n')
        size--;
    char *result = arena_copy(output, size);
    free(output);
    return result;
}

/* --- compound commands ------------------------------------------------------------------ */

/* In a loop: true when it has to end. */
static bool leaves_loop(void)
{
    if (sh.returning || sh.any_pending == 2 || sh.interrupted)
        return true;
    if (sh.breaking) {
        sh.breaking--;
        return true;
    }
    if (sh.continuing)
        return --sh.continuing > 0;
    return false;
}

static bool test_of(struct node *test)
{
    sh.no_errexit++;
    bool yes = run_node(test, false) == 0;
    sh.no_errexit--;
    return yes;
}

static int run_loop(struct node *node)
{
    int status = 0;
    sh.loops++;
    while (test_of(node->test) == (node->kind == N_WHILE)) {
        if (!sh.breaking && !sh.continuing && !sh.returning)
            status = run_node(node->left, false);
        if (leaves_loop())
            break;
    }
    sh.loops--;
    return sh.interrupted ? 128 + SIGINT : status;
}

static int run_for(struct node *node)
{
    int status = 0;
    char **values = node->words ? expand_words(node->words) : sh.args + 1;
    sh.loops++;
    for (; *values; values++) {
        set_var(node->name, *values);
        status = run_node(node->left, false);
        if (leaves_loop())
            break;
    }
    sh.loops--;
    return sh.interrupted ? 128 + SIGINT : status;
}

static int run_case(struct node *node)
{
    char *word = expand_string(node->name);
    for (struct arm *arm = node->arms; arm; arm = arm->next)
        for (char **pattern = arm->patterns; *pattern; pattern++)
            if (fnmatch(expand_pattern(*pattern), word, 0) == 0)
                return arm->body ? run_node(arm->body, false) : 0;
    return 0;
}

static int run_compound(struct node *node, bool last)
{
    switch (node->kind) {
    case N_IF:
        if (test_of(node->test))
            return run_node(node->left, last);
        return node->right ? run_node(node->right, last) : 0;
    case N_WHILE:
    case N_UNTIL: return run_loop(node);
    case N_FOR: return run_for(node);
    case N_CASE: return run_case(node);
    default: return run_node(node->left, last);
    }
}

/* { } if while for case, with redirections around them. */
static int run_redirected(struct node *node, bool last)
{
    if (!node->redirects)
        return run_compound(node, last);
    int status = 1;
    if (apply_redirects(node->redirects, false))
        status = run_compound(node, false);
    undo_redirects();
    return status;
}

static int run_logical(struct node *node, bool last)
{
    bool yes = test_of(node->left);
    if (sh.returning || sh.breaking || sh.continuing || yes != (node->kind == N_AND))
        return sh.status;
    return run_node(node->right, last);
}

int run_node(struct node *node, bool last)
{
    struct mark mark = arena_mark();
    int status;
    switch (node->kind) {
    case N_SIMPLE: status = run_simple(node, last); break;
    case N_PIPE: status = run_pipeline(node); break;
    case N_NOT: status = test_of(node->left); break;
    case N_AND:
    case N_OR: status = run_logical(node, last); break;
    case N_SEQ:
        status = run_node(node->left, false);
        if (!sh.returning && !sh.breaking && !sh.continuing)
            status = run_node(node->right, last);
        break;
    case N_BACKGROUND: status = run_background(node); break;
    case N_SUBSHELL: status = run_subshell(node, last); break;
    case N_FUNCTION:
        define_function(node->name, node->left);
        status = 0;
        break;
    default: status = run_redirected(node, last);
    }
    sh.status = status;
    if (sh.any_pending)
        run_traps();
    bool counts = node->kind == N_SIMPLE || node->kind == N_PIPE || node->kind == N_SUBSHELL;
    if (status && sh.opt_e && !sh.no_errexit && counts)
        leave(status);
    arena_release(mark);
    return sh.status;
}

/* --- texts ------------------------------------------------------------------------------ */

int run_source(struct source *in)
{
    jmp_buf on_error, abort_here, *outer = sh.abort;
    struct node *node;
    in->on_error = &on_error;
    in->line = 1;
    volatile bool fatal = false;
    struct mark mark = arena_mark();
    if (setjmp(on_error)) {
        fatal = true;
        in->at = in->length; /* drop the rest of the line */
        in->pending = NULL;
    }
    if (setjmp(abort_here)) {
        fatal = true;
        arena_release(mark);
        sh.no_errexit = sh.loops = 0;
    }
    sh.abort = &abort_here;
    if (fatal && !sh.interactive)
        leave(sh.status ? sh.status : 2);
    while (!sh.returning && parse_command(in, &node))
        if (node && !sh.opt_n)
            run_node(node, false);
    sh.abort = outer;
    free(in->text);
    in->text = NULL;
    return sh.status;
}

static char *string_line(struct source *in, bool first)
{
    if (!in->string || !*in->string)
        return NULL;
    size_t size = strcspn(in->string, "\n");
    size += in->string[size] != 0;
    char *line = strndup(in->string, size);
    in->string += size;
    return line;
}

int run_text(const char *text)
{
    struct source in = {.more = string_line, .string = text};
    sh.status = 0;
    return run_source(&in);
}

void run_traps(void)
{
    if (sh.subshell && !sh.any_pending)
        return;
    sh.any_pending = 0;
    for (int i = 1; i <= 64; i++) {
        if (!sh.pending[i])
            continue;
        sh.pending[i] = 0;
        if (sh.traps[i] && *sh.traps[i]) {
            int status = sh.status;
            run_text(sh.traps[i]);
            sh.status = status;
        }
    }
}

void run_exit_trap(void)
{
    char *text = sh.traps[0];
    sh.traps[0] = NULL;
    if (text && *text) {
        int status = sh.status;
        run_text(text);
        sh.status = status;
    }
}

void leave(int status)
{
    sh.status = status;
    sh.returning = false;
    run_exit_trap();
    fflush(stdout);
    _exit(sh.status);
}
