/* Shell text -> tree. Words keep their quotes; sh_expand.c takes them off when they are used. */
#include "sh.h"

static struct node *parse_list(struct source *in, const char *const *ends);
static struct node *parse_and_or(struct source *in);
static void skip_newlines(struct source *in);

static _Noreturn void syntax_error(struct source *in, const char *what)
{
    if (sh.interactive)
        complain("syntax error: %s", what);
    else
        complain("line %d: syntax error: %s", in->line, what);
    sh.status = 2;
    longjmp(*in->on_error, 1);
}

/* --- characters ------------------------------------------------------------------------- */

static bool fill(struct source *in)
{
    char *line = in->more ? in->more(in, in->length == 0) : NULL;
    if (!line)
        return false;
    size_t size = strlen(line);
    in->text = need_more(in->text, in->length + size + 1);
    memcpy(in->text + in->length, line, size + 1);
    in->length += size;
    free(line);
    return true;
}

static int peek_at(struct source *in, size_t ahead)
{
    while (in->at + ahead >= in->length)
        if (!fill(in))
            return EOF;
    return (unsigned char)in->text[in->at + ahead];
}

static int peek(struct source *in)
{
    return peek_at(in, 0);
}

static int next(struct source *in)
{
    int c = peek(in);
    if (c != EOF)
        in->at++;
    if (c == '\n')
        in->line++;
    return c;
}

static void skip_blanks(struct source *in)
{
    for (;;) {
        int c = peek(in);
        if (c == ' ' || c == '\t' || c == '\r') {
            next(in);
        } else if (c == '\\' && peek_at(in, 1) == '\n') {
            next(in), next(in);
        } else if (c == '#') {
            while (peek(in) != '\n' && peek(in) != EOF)
                next(in);
        } else {
            return;
        }
    }
}

static bool looking_at(struct source *in, const char *text)
{
    for (size_t i = 0; text[i]; i++)
        if (peek_at(in, i) != (unsigned char)text[i])
            return false;
    return true;
}

static bool accept(struct source *in, const char *text)
{
    skip_blanks(in);
    if (!looking_at(in, text))
        return false;
    in->at += strlen(text);
    return true;
}

/* --- words ------------------------------------------------------------------------------ */

static void skip_quoted(struct source *in, int end);

/* Behind "$(" or "${" or "`": go to its end, whatever is quoted or nested inside. */
static void skip_nested(struct source *in, int open, int close)
{
    for (int depth = 1; depth > 0;) {
        int c = next(in);
        if (c == EOF)
            syntax_error(in, close == ')' ? "missing )" : "missing }");
        if (c == '\\')
            next(in);
        else if (c == '\'' || c == '"' || c == '`')
            skip_quoted(in, c);
        else if (c == '#' && close == ')' && isspace((unsigned char)in->text[in->at - 2]))
            while (peek(in) != '\n' && peek(in) != EOF)
                next(in);
        else if (c == open)
            depth++;
        else if (c == close)
            depth--;
    }
}

static void skip_dollar(struct source *in)
{
    if (peek(in) == '(')
        next(in), skip_nested(in, '(', ')');
    else if (peek(in) == '{')
        next(in), skip_nested(in, '{', '}');
}

static void skip_quoted(struct source *in, int end)
{
    for (;;) {
        int c = next(in);
        if (c == EOF)
            syntax_error(in, "a quote is not closed");
        if (c == end)
            return;
        if (c == '\\' && end != '\'')
            next(in);
        else if (c == '$' && end == '"')
            skip_dollar(in);
    }
}

static bool ends_word(int c)
{
    return c == EOF || strchr(" \t\r\n;&|<>()", c) != NULL;
}

/* The word at this place, NULL if there is none. */
static char *parse_word(struct source *in)
{
    skip_blanks(in);
    size_t start = in->at;
    while (!ends_word(peek(in))) {
        int c = next(in);
        if (c == '\\')
            next(in);
        else if (c == '\'' || c == '"' || c == '`')
            skip_quoted(in, c);
        else if (c == '$')
            skip_dollar(in);
    }
    /* peek() may have moved the text, never the offsets */
    return in->at > start ? strndup(in->text + start, in->at - start) : NULL;
}

/* The source between two places, without blanks at its end: what `jobs` shows. */
static char *text_between(struct source *in, size_t start, size_t end)
{
    while (end > start && isspace((unsigned char)in->text[end - 1]))
        end--;
    return strndup(in->text + start, end - start);
}

/* A reserved word counts only where a command may begin; it must stand alone. */
static bool at_keyword(struct source *in, const char *word)
{
    skip_blanks(in);
    return looking_at(in, word) && ends_word(peek_at(in, strlen(word)));
}

static bool accept_keyword(struct source *in, const char *word)
{
    if (!at_keyword(in, word))
        return false;
    in->at += strlen(word);
    return true;
}

static void expect_keyword(struct source *in, const char *word)
{
    char message[64];
    skip_newlines(in);
    if (accept_keyword(in, word))
        return;
    snprintf(message, sizeof message, "expected `%s'", word);
    syntax_error(in, message);
}

static void append(char ***list, size_t *count, char *word)
{
    *list = need_more(*list, (*count + 2) * sizeof **list);
    (*list)[(*count)++] = word;
    (*list)[*count] = NULL;
}

/* --- here-documents --------------------------------------------------------------------- */

static char *unquoted(const char *word, bool *was_quoted)
{
    char *out = need(strlen(word) + 1), *to = out;
    *was_quoted = false;
    for (; *word; word++) {
        if (strchr("'\"\\", *word))
            *was_quoted = true;
        else
            *to++ = *word;
    }
    *to = 0;
    return out;
}

static void read_here(struct source *in, struct redirect *here)
{
    bool strip = here->word[0] == '\t'; /* marked by <<- */
    char *end = unquoted(here->word + strip, &here->literal);
    size_t length = 0;
    char *text = need(1);
    for (;;) {
        if (peek(in) == EOF)
            break; /* as other shells: the end of the input ends it too */
        while (strip && peek(in) == '\t')
            next(in);
        size_t start = in->at;
        while (peek(in) != '\n' && peek(in) != EOF)
            next(in);
        size_t size = in->at - start;
        bool last = size == strlen(end) && memcmp(in->text + start, end, size) == 0;
        next(in);
        if (last)
            break;
        text = need_more(text, length + size + 2);
        memcpy(text + length, in->text + start, size);
        text[length + size] = '\n';
        length += size + 1;
    }
    text[length] = 0;
    free(end);
    here->word = text;
}

/* Take the newline at this place; the bodies of here-documents begin behind it. */
static void take_newline(struct source *in)
{
    next(in);
    while (in->pending) {
        struct redirect *here = in->pending;
        in->pending = here->next_here;
        read_here(in, here);
    }
}

static void skip_newlines(struct source *in)
{
    for (;;) {
        skip_blanks(in);
        if (peek(in) != '\n')
            return;
        take_newline(in);
    }
}

/* --- redirections ----------------------------------------------------------------------- */

static const struct {
    const char *sign;
    int kind, fd;
} signs[] = {
    {"<<-", R_HERE, 0}, {"<<", R_HERE, 0}, {"<&", R_DUP, 0},     {"<>", R_BOTH, 0}, {"<", R_IN, 0},
    {">>", R_APPEND, 1}, {">&", R_DUP, 1},  {">|", R_CLOBBER, 1}, {">", R_OUT, 1},
};

static bool parse_redirect(struct source *in, struct redirect ***tail)
{
    skip_blanks(in);
    size_t digits = 0;
    while (isdigit(peek_at(in, digits)))
        digits++;
    int sign_char = peek_at(in, digits);
    if (sign_char != '<' && sign_char != '>')
        return false;
    int fd = digits ? atoi(in->text + in->at) : -1;
    in->at += digits;
    size_t i = 0;
    while (!looking_at(in, signs[i].sign))
        i++;
    in->at += strlen(signs[i].sign);
    struct redirect *r = calloc(1, sizeof *r);
    r->kind = signs[i].kind;
    r->fd = fd >= 0 ? fd : signs[i].fd;
    r->word = parse_word(in);
    if (!r->word)
        syntax_error(in, "a redirection needs a file name");
    **tail = r;
    *tail = &r->next;
    if (r->kind != R_HERE)
        return true;
    if (strcmp(signs[i].sign, "<<-") == 0) {
        char *marked = need(strlen(r->word) + 2);
        sprintf(marked, "\t%s", r->word);
        r->word = marked;
    }
    /* The body begins behind this line; take_newline() reads it. */
    struct redirect **last = &in->pending;
    while (*last)
        last = &(*last)->next_here;
    *last = r;
    return true;
}

/* --- commands --------------------------------------------------------------------------- */

static struct node *new_node(enum kind kind, struct node *left, struct node *right)
{
    struct node *node = calloc(1, sizeof *node);
    if (!node)
        die("out of memory");
    node->kind = kind;
    node->left = left;
    node->right = right;
    return node;
}

static struct node *required(struct source *in, struct node *node)
{
    if (!node)
        syntax_error(in, peek(in) == EOF ? "unexpected end" : "a command is missing");
    return node;
}

static struct node *parse_if(struct source *in)
{
    struct node *node = new_node(N_IF, NULL, NULL);
    node->test = required(in, parse_list(in, (const char *[]){"then", NULL}));
    expect_keyword(in, "then");
    node->left = required(in, parse_list(in, (const char *[]){"elif", "else", "fi", NULL}));
    skip_newlines(in);
    if (accept_keyword(in, "elif")) {
        node->right = parse_if(in); /* takes the `fi` */
        return node;
    }
    if (accept_keyword(in, "else"))
        node->right = required(in, parse_list(in, (const char *[]){"fi", NULL}));
    expect_keyword(in, "fi");
    return node;
}

static struct node *parse_do(struct source *in)
{
    expect_keyword(in, "do");
    struct node *body = required(in, parse_list(in, (const char *[]){"done", NULL}));
    expect_keyword(in, "done");
    return body;
}

static struct node *parse_loop(struct source *in, enum kind kind)
{
    struct node *node = new_node(kind, NULL, NULL);
    node->test = required(in, parse_list(in, (const char *[]){"do", NULL}));
    node->left = parse_do(in);
    return node;
}

static struct node *parse_for(struct source *in)
{
    struct node *node = new_node(N_FOR, NULL, NULL);
    node->name = parse_word(in);
    if (!node->name || !is_name(node->name, strlen(node->name)))
        syntax_error(in, "`for' needs a name");
    skip_newlines(in);
    if (accept_keyword(in, "in")) {
        size_t count = 0;
        node->words = calloc(1, sizeof *node->words);
        for (char *word; (word = parse_word(in));)
            append(&node->words, &count, word);
    }
    accept(in, ";");
    node->left = parse_do(in);
    return node;
}

static struct node *parse_case(struct source *in)
{
    struct node *node = new_node(N_CASE, NULL, NULL);
    node->name = parse_word(in);
    if (!node->name)
        syntax_error(in, "`case' needs a word");
    expect_keyword(in, "in");
    struct arm **tail = &node->arms;
    for (skip_newlines(in); !accept_keyword(in, "esac"); skip_newlines(in)) {
        struct arm *arm = calloc(1, sizeof *arm);
        size_t count = 0;
        accept(in, "(");
        do {
            char *pattern = parse_word(in);
            if (!pattern)
                syntax_error(in, "`case' needs a pattern");
            append(&arm->patterns, &count, pattern);
        } while (accept(in, "|"));
        if (!accept(in, ")"))
            syntax_error(in, "expected `)' after a pattern");
        arm->body = parse_list(in, (const char *[]){"esac", NULL});
        *tail = arm;
        tail = &arm->next;
        skip_newlines(in);
        if (!accept(in, ";;") && !at_keyword(in, "esac"))
            syntax_error(in, "expected `;;'");
    }
    return node;
}

static struct node *parse_simple(struct source *in)
{
    struct node *node = new_node(N_SIMPLE, NULL, NULL);
    struct redirect **tail = &node->redirects;
    size_t count = 0;
    for (;;) {
        if (parse_redirect(in, &tail))
            continue;
        char *word = parse_word(in);
        if (!word)
            break;
        append(&node->words, &count, word);
        skip_blanks(in);
        if (count == 1 && peek(in) == '(' && is_name(word, strlen(word))) {
            next(in);
            if (!accept(in, ")"))
                syntax_error(in, "expected `)'");
            skip_newlines(in);
            node->kind = N_FUNCTION;
            node->name = word;
            node->left = required(in, parse_and_or(in));
            return node;
        }
    }
    return count || node->redirects ? node : NULL;
}

static struct node *parse_compound(struct source *in)
{
    if (accept_keyword(in, "if"))
        return parse_if(in);
    if (accept_keyword(in, "while"))
        return parse_loop(in, N_WHILE);
    if (accept_keyword(in, "until"))
        return parse_loop(in, N_UNTIL);
    if (accept_keyword(in, "for"))
        return parse_for(in);
    if (accept_keyword(in, "case"))
        return parse_case(in);
    if (accept(in, "(")) {
        struct node *body = required(in, parse_list(in, (const char *[]){")", NULL}));
        skip_newlines(in);
        if (!accept(in, ")"))
            syntax_error(in, "expected `)'");
        return new_node(N_SUBSHELL, body, NULL);
    }
    if (accept_keyword(in, "{")) {
        struct node *body = required(in, parse_list(in, (const char *[]){"}", NULL}));
        expect_keyword(in, "}");
        return new_node(N_GROUP, body, NULL);
    }
    return NULL;
}

static struct node *parse_one(struct source *in)
{
    static const char *const reserved[] = {"then", "else", "elif", "fi",  "do",
                                           "done", "esac", "}",    NULL};
    skip_blanks(in);
    for (int i = 0; reserved[i]; i++)
        if (at_keyword(in, reserved[i]))
            return NULL;
    size_t start = in->at;
    struct node *node = parse_compound(in);
    if (node) {
        struct redirect **tail = &node->redirects;
        while (parse_redirect(in, &tail))
            ;
    } else {
        node = parse_simple(in);
    }
    if (node)
        node->text = text_between(in, start, in->at);
    return node;
}

static struct node *parse_pipeline(struct source *in)
{
    if (accept_keyword(in, "!"))
        return new_node(N_NOT, required(in, parse_pipeline(in)), NULL);
    skip_blanks(in);
    size_t start = in->at;
    struct node *first = parse_one(in);
    skip_blanks(in);
    if (!first || peek(in) != '|' || peek_at(in, 1) == '|')
        return first;
    struct node *pipe = new_node(N_PIPE, first, NULL), *last = first;
    while (skip_blanks(in), peek(in) == '|' && peek_at(in, 1) != '|') {
        next(in);
        skip_newlines(in);
        last = last->next = required(in, parse_one(in));
    }
    pipe->text = text_between(in, start, in->at);
    return pipe;
}

static struct node *parse_and_or(struct source *in)
{
    struct node *left = parse_pipeline(in);
    while (left) {
        enum kind kind = N_AND;
        if (accept(in, "||"))
            kind = N_OR;
        else if (!accept(in, "&&"))
            break;
        skip_newlines(in);
        left = new_node(kind, left, required(in, parse_pipeline(in)));
    }
    return left;
}

static bool at_end(struct source *in, const char *const *ends)
{
    for (; ends && *ends; ends++)
        if (strcmp(*ends, ")") == 0 ? (skip_blanks(in), peek(in) == ')') : at_keyword(in, *ends))
            return true;
    return peek(in) == EOF;
}

/* Commands up to one of the words `ends`; without `ends`, up to the end of the line. */
static struct node *parse_list(struct source *in, const char *const *ends)
{
    struct node *all = NULL;
    for (;;) {
        if (ends)
            skip_newlines(in);
        if (at_end(in, ends))
            return all;
        size_t start = in->at;
        struct node *one = parse_and_or(in);
        if (!one)
            return all;
        skip_blanks(in);
        if (peek(in) == '&' && peek_at(in, 1) != '&') {
            next(in);
            char *text = text_between(in, start, in->at - 1);
            one = new_node(N_BACKGROUND, one, NULL);
            one->text = text;
        } else if (peek(in) == ';' && peek_at(in, 1) != ';') {
            next(in);
        } else if (!(ends && peek(in) == '\n')) {
            return all ? new_node(N_SEQ, all, one) : one;
        }
        all = all ? new_node(N_SEQ, all, one) : one;
        skip_blanks(in);
        if (!ends && (peek(in) == '\n' || peek(in) == EOF))
            return all;
    }
}

bool parse_command(struct source *in, struct node **out)
{
    /* Forget what was parsed before: the text holds one command at a time. */
    memmove(in->text, in->text + in->at, in->length - in->at);
    in->length -= in->at;
    in->at = 0;
    *out = NULL;
    if (peek(in) == EOF)
        return false;
    skip_blanks(in);
    if (peek(in) != '\n')
        *out = parse_list(in, NULL);
    skip_blanks(in);
    int c = peek(in);
    if (c == '\n' || c == EOF) {
        take_newline(in);
    } else {
        char message[32];
        snprintf(message, sizeof message, "unexpected `%c'", c);
        syntax_error(in, message);
    }
    return true;
}
