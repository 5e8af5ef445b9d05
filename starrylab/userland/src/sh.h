/* The shell's own declarations; POSIX.1-2017, Shell Command Language, is what it follows. */
#ifndef SH_H
#define SH_H
#include <setjmp.h>
#include "starry.h"

enum kind {
    N_SIMPLE,   /* words, assignments, redirections */
    N_PIPE,     /* list */
    N_NOT,      /* ! left */
    N_AND, N_OR, N_SEQ, /* left, right */
    N_BACKGROUND,       /* left & */
    N_SUBSHELL, /* ( left ) */
    N_GROUP,    /* { left; } */
    N_IF,       /* if test then left else right */
    N_WHILE, N_UNTIL,   /* test, left */
    N_FOR,      /* name, words, left; words is NULL without `in` */
    N_CASE,     /* name is the word; arms */
    N_FUNCTION, /* name, left */
};

struct redirect {
    struct redirect *next, *next_here;
    int fd;
    enum { R_IN, R_OUT, R_CLOBBER, R_APPEND, R_BOTH, R_DUP, R_HERE } kind;
    char *word;     /* file name, descriptor number or "-"; here-document: its text */
    bool literal;   /* here-document with a quoted end word: expand nothing */
};

struct arm {
    struct arm *next;
    char **patterns;
    struct node *body;
};

struct node {
    enum kind kind;
    struct node *test, *left, *right, *next; /* next: in a pipeline */
    char *name;
    char **words;
    struct redirect *redirects;
    struct arm *arms;
    char *text; /* the command as typed, for `jobs` */
};

/* sh_parse.c */
struct source {
    char *text;                                /* what has been read and not yet parsed */
    size_t at, length;
    char *(*more)(struct source *, bool first); /* next line, malloc'd; NULL: no more */
    const char *string;
    FILE *file;
    jmp_buf *on_error;
    struct redirect *pending;                  /* here-documents that begin at the next line */
    int line;
};
/* Next complete command; false at the end of input. An empty line gives NULL. */
bool parse_command(struct source *, struct node **out);

/* sh_expand.c */
char **expand_words(char **words);         /* fields, NULL at the end; in the arena */
char *expand_string(const char *word);     /* no field splitting, no globbing */
char *expand_pattern(const char *word);    /* the same, quoted characters escaped for fnmatch */
char *expand_here(const char *text);       /* the body of a here-document */
long long arithmetic(const char *text);

/* sh_vars.c */
const char *get_var(const char *name);     /* NULL when unset */
void set_var(const char *name, const char *value);
void export_var(const char *name);
void unset_var(const char *name);
void local_var(const char *name);          /* restored when the function returns */
void print_exports(void);
void print_variables(void);
char **environment(void);
int locals_mark(void);
void locals_restore(int mark);
bool is_name(const char *text, size_t length);
size_t name_length(const char *text);      /* of the name that text begins with */

/* Memory that lives until the command is done: mark, allocate, release. */
struct mark { void *chunk; size_t used; };
void *arena(size_t size);
char *arena_copy(const char *text, size_t length);
struct mark arena_mark(void);
void arena_release(struct mark);

/* sh_exec.c */
int run_node(struct node *, bool last);    /* last: this process may become the command */
int run_text(const char *text);            /* eval, trap */
int run_source(struct source *);
char *command_output(const char *text);    /* $(...), without trailing newlines; arena */
void run_traps(void);
void run_exit_trap(void);
_Noreturn void leave(int status);          /* exit, with the EXIT trap */
struct node *find_function(const char *name);
char *find_program(const char *name);      /* in PATH; arena; NULL */
bool apply_redirects(struct redirect *, bool keep);
void undo_redirects(void);

/* sh_jobs.c */
struct job {
    int number;                            /* 0: free */
    pid_t group;
    int count;
    struct { pid_t pid; int status; bool done, stopped; } part[32];
    char *text;
    bool reported, background;
};
void jobs_init(void);
pid_t fork_part(struct job *, bool foreground); /* fork; in the child: groups and signals set */
struct job *job_new(const char *text);
int job_wait(struct job *);                /* foreground; exit status */
void job_background(struct job *);
void jobs_report(void);                    /* before a prompt: what changed */
void jobs_forget(void);                    /* in a subshell */
int builtin_jobs(int argc, char **argv);
int builtin_fg(int argc, char **argv);
int builtin_bg(int argc, char **argv);
int builtin_wait(int argc, char **argv);
int builtin_kill(int argc, char **argv);

/* sh_builtin.c */
typedef int builtin(int argc, char **argv);
builtin *find_builtin(const char *name, bool *special);

/* The one shell of this process. */
extern struct shell {
    bool interactive, subshell;
    int status;                            /* $? */
    pid_t pid, last_background;            /* $$, $! */
    char **args;                           /* $0 $1 ... NULL */
    int arg_count;                         /* $# */
    bool opt_e, opt_x, opt_u, opt_f, opt_n;
    int no_errexit;                        /* inside if, while, && ||, ! */
    int breaking, continuing;              /* loops still to leave */
    int loops;
    volatile sig_atomic_t interrupted;     /* Ctrl-C came since the prompt */
    bool returning, errored;
    int functions;                         /* depth of calls */
    char *traps[65];
    volatile sig_atomic_t pending[65];
    volatile sig_atomic_t any_pending;
    jmp_buf *abort;                        /* where an expansion error goes */
} sh;
_Noreturn void sh_error(const char *format, ...) __attribute__((format(printf, 1, 2)));
#endif
