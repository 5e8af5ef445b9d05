/* Expansion: tilde, parameters, commands, arithmetic; field splitting; file names; quotes. */
#include <fnmatch.h>
#include <glob.h>
#include <pwd.h>
#include "sh.h"

/* What is being made: one field at a time, in two spellings. */
struct output {
    char *text, *pattern; /* as it is · with quoted pattern characters escaped */
    size_t length, pattern_length, room;
    bool exists;          /* an empty field that was quoted counts */
    bool wild;            /* an unquoted * ? [ */
    bool split;           /* break fields at IFS; expand file names */
    char **fields;
    size_t count, field_room;
};

static void expand(struct output *out, const char *text, bool quoted, bool assignment);

static void put(struct output *out, char c, bool quoted)
{
    if (out->length + 2 > out->room) {
        size_t room = out->room ? out->room * 2 : 64;
        char *text = arena(room), *pattern = arena(room * 2);
        if (out->room) { /* memcpy from NULL would be undefined */
            memcpy(text, out->text, out->length);
            memcpy(pattern, out->pattern, out->pattern_length);
        }
        out->text = text;
        out->pattern = pattern;
        out->room = room;
    }
    out->text[out->length++] = c;
    if (quoted && strchr("*?[]\\-!", c))
        out->pattern[out->pattern_length++] = '\\';
    if (!quoted && (c == '*' || c == '?' || c == '['))
        out->wild = true;
    out->pattern[out->pattern_length++] = c;
    out->exists = true;
}

static void put_text(struct output *out, const char *text, bool quoted)
{
    while (*text)
        put(out, *text++, quoted);
}

static void add_field(struct output *out, char *field)
{
    if (out->count + 2 > out->field_room) {
        size_t room = out->field_room ? out->field_room * 2 : 8;
        char **fields = arena(room * sizeof *fields);
        if (out->count)
            memcpy(fields, out->fields, out->count * sizeof *fields);
        out->fields = fields;
        out->field_room = room;
    }
    out->fields[out->count++] = field;
    out->fields[out->count] = NULL;
}

static char *finished(struct output *out, bool as_pattern)
{
    return as_pattern ? arena_copy(out->pattern ? out->pattern : "", out->pattern_length)
                      : arena_copy(out->text ? out->text : "", out->length);
}

static void end_field(struct output *out)
{
    if (out->exists) {
        glob_t found;
        if (out->wild && !sh.opt_f && glob(finished(out, true), 0, NULL, &found) == 0) {
            for (size_t i = 0; i < found.gl_pathc; i++)
                add_field(out, arena_copy(found.gl_pathv[i], strlen(found.gl_pathv[i])));
            globfree(&found);
        } else {
            add_field(out, finished(out, false));
        }
    }
    out->length = out->pattern_length = 0;
    out->exists = out->wild = false;
}

/* The result of an expansion: unquoted, it is broken into fields. */
static void put_result(struct output *out, const char *text, bool quoted)
{
    if (quoted || !out->split) {
        put_text(out, text, quoted);
        return;
    }
    const char *ifs = get_var("IFS");
    if (!ifs)
        ifs = " \t\n";
    for (; *text; text++) {
        if (!strchr(ifs, *text)) {
            put(out, *text, false);
        } else if (isspace((unsigned char)*text)) {
            end_field(out);
        } else { /* each other separator ends a field, even an empty one */
            out->exists = true;
            end_field(out);
        }
    }
}

/* --- parameters ------------------------------------------------------------------------- */

static void put_all_args(struct output *out, char which, bool quoted)
{
    const char *ifs = get_var("IFS");
    for (int i = 1; i <= sh.arg_count; i++) {
        if (i > 1) {
            if (out->split && (which == '@' || !quoted))
                end_field(out);
            else if (which == '@' || !ifs || *ifs)
                put(out, which == '@' || !ifs ? ' ' : *ifs, true);
        }
        if (quoted) {
            out->exists = true;
            put_text(out, sh.args[i], true);
        } else {
            put_result(out, sh.args[i], false);
        }
    }
}

/* The value of a parameter that is not $@ or $*; NULL when it is unset. */
static const char *parameter(const char *name)
{
    char number[24];
    long long value;
    if (isdigit((unsigned char)*name)) {
        int index = atoi(name);
        return index <= sh.arg_count ? sh.args[index] : NULL;
    }
    switch (*name) {
    case '?': value = sh.status; break;
    case '$': value = sh.pid; break;
    case '#': value = sh.arg_count; break;
    case '!':
        if (!sh.last_background)
            return NULL;
        value = sh.last_background;
        break;
    case '-': {
        int n = snprintf(number, sizeof number, "%s%s%s%s%s", sh.opt_e ? "e" : "",
                         sh.opt_f ? "f" : "", sh.interactive ? "im" : "", sh.opt_u ? "u" : "",
                         sh.opt_x ? "x" : "");
        return arena_copy(number, n);
    }
    default: return get_var(name);
    }
    return arena_copy(number, snprintf(number, sizeof number, "%lld", value));
}

static const char *trimmed(const char *value, const char *pattern, char side, bool longest)
{
    size_t length = strlen(value);
    for (size_t step = 0; step <= length; step++) {
        size_t cut = longest ? length - step : step; /* how much is taken away */
        if (side == '#') {
            if (fnmatch(pattern, arena_copy(value, cut), 0) == 0)
                return value + cut;
        } else if (fnmatch(pattern, value + length - cut, 0) == 0) {
            return arena_copy(value, length - cut);
        }
    }
    return value;
}

/* Past a nested construct: returns the index behind the closing character. */
static size_t closing(const char *text, size_t at, char open, char close)
{
    int depth = 1;
    for (; text[at]; at++) {
        if (text[at] == '\\' && text[at + 1]) {
            at++;
        } else if (text[at] == '\'') {
            while (text[at + 1] && text[++at] != '\'')
                ;
        } else if (text[at] == '"') {
            for (at++; text[at] && text[at] != '"'; at++)
                if (text[at] == '\\' && text[at + 1])
                    at++;
        } else if (text[at] == open) {
            depth++;
        } else if (text[at] == close && --depth == 0) {
            return at + 1;
        }
    }
    return at;
}

/* ${name}, ${name:-word}, ...; `body` is what stands between the braces. */
static void put_braced(struct output *out, const char *body, bool quoted)
{
    bool count = body[0] == '#' && body[1];
    if (count)
        body++;
    size_t size = name_length(body);
    if (!size) /* a number, or one special character */
        do
            size++;
        while (isdigit((unsigned char)body[0]) && isdigit((unsigned char)body[size]));
    char *name = arena_copy(body, size);
    const char *operator= body + size;
    bool all = *name == '@' || *name == '*';
    const char *value = all ? (sh.arg_count ? sh.args[1] : NULL) : parameter(name);
    bool colon = *operator== ':';
    if (colon)
        operator++;
    bool missing = !value || (colon && !*value && !(all && sh.arg_count > 1));
    const char *word = *operator? operator+ 1 : operator;
    if (count) {
        char number[24];
        size_t length = all ? (size_t)sh.arg_count : value ? strlen(value) : 0;
        snprintf(number, sizeof number, "%zu", length);
        put_result(out, number, quoted);
        return;
    }
    switch (*operator) {
    case '-':
        if (missing) {
            expand(out, word, quoted, false);
            return;
        }
        break;
    case '+':
        if (!missing)
            expand(out, word, quoted, false);
        return;
    case '=':
        if (missing) {
            value = expand_string(word);
            set_var(name, value);
        }
        break;
    case '?':
        if (missing)
            sh_error("%s: %s", name, *word ? expand_string(word) : "parameter not set");
        break;
    case '#':
    case '%': {
        bool longest = *word == *operator;
        if (value)
            value = trimmed(value, expand_pattern(word + longest), *operator, longest);
        break;
    }
    case 0: break;
    default: sh_error("${%s}: bad substitution", body);
    }
    if (all) {
        put_all_args(out, *name, quoted);
    } else if (value) {
        put_result(out, value, quoted);
    } else if (sh.opt_u) {
        sh_error("%s: parameter not set", name);
    }
}

/* `text` points behind the $; returns how much of it was used. */
static size_t put_dollar(struct output *out, const char *text, bool quoted)
{
    if (text[0] == '(' && text[1] == '(') {
        size_t end = closing(text, 1, '(', ')');
        if (text[end - 2] == ')') {
            char number[24];
            char *body = expand_here(arena_copy(text + 2, end - 4));
            snprintf(number, sizeof number, "%lld", arithmetic(body));
            put_result(out, number, quoted);
            return end;
        }
    }
    if (text[0] == '(') {
        size_t end = closing(text, 1, '(', ')');
        put_result(out, command_output(arena_copy(text + 1, end - 2)), quoted);
        return end;
    }
    if (text[0] == '{') {
        size_t end = closing(text, 1, '{', '}');
        put_braced(out, arena_copy(text + 1, end - 2), quoted);
        return end;
    }
    size_t size = name_length(text);
    if (!size && *text && (isdigit((unsigned char)*text) || strchr("?$#!-@*", *text)))
        size = 1;
    if (!size) {
        put(out, '$', quoted);
        return 0;
    }
    put_braced(out, arena_copy(text, size), quoted);
    return size;
}

static size_t put_backquote(struct output *out, const char *text, bool quoted)
{
    size_t end = 0, length = 0;
    char *command = arena(strlen(text) + 1);
    while (text[end] && text[end] != '`') {
        if (text[end] == '\\' && text[end + 1] && strchr("$`\\", text[end + 1]))
            end++;
        command[length++] = text[end++];
    }
    command[length] = 0;
    put_result(out, command_output(command), quoted);
    return text[end] ? end + 1 : end;
}

static size_t put_tilde(struct output *out, const char *text)
{
    size_t end = strcspn(text, "/:\"'$\\");
    if (text[end] && text[end] != '/' && text[end] != ':')
        return 0;
    char *name = arena_copy(text + 1, end - 1);
    struct passwd *user = *name ? getpwnam(name) : NULL;
    const char *home = *name ? (user ? user->pw_dir : NULL) : get_var("HOME");
    if (!home)
        return 0;
    put_text(out, home, true);
    return end;
}

static void expand(struct output *out, const char *text, bool quoted, bool assignment)
{
    bool in_quotes = quoted;
    for (size_t i = 0; text[i];) {
        char c = text[i];
        if (c == '~' && !in_quotes &&
            (i == 0 || (assignment && (text[i - 1] == '=' || text[i - 1] == ':')))) {
            size_t used = put_tilde(out, text + i);
            if (!used)
                put(out, c, false);
            i += used ? used : 1;
        } else if (c == '\'' && !in_quotes) {
            out->exists = true;
            for (i++; text[i] && text[i] != '\''; i++)
                put(out, text[i], true);
            i += text[i] != 0;
        } else if (c == '"') {
            /* "$@" with no arguments makes no field at all */
            if (strncmp(text + i, "\"$@\"", 4) != 0 || sh.arg_count > 0)
                out->exists = true;
            in_quotes = !in_quotes;
            i++;
        } else if (c == '\\' && text[i + 1]) {
            if (text[i + 1] == '\n') {
                i += 2;
                continue;
            }
            if (in_quotes && !strchr("$`\"\\", text[i + 1]))
                put(out, c, true);
            put(out, text[i + 1], true);
            i += 2;
        } else if (c == '$') {
            i++;
            i += put_dollar(out, text + i, in_quotes);
        } else if (c == '`') {
            i++;
            i += put_backquote(out, text + i, in_quotes);
        } else {
            put(out, c, in_quotes);
            i++;
        }
    }
}

/* --- the four ways to expand ------------------------------------------------------------ */

char **expand_words(char **words)
{
    struct output out = {.split = true};
    out.fields = arena(sizeof *out.fields);
    out.fields[0] = NULL;
    for (; *words; words++) {
        expand(&out, *words, false, false);
        end_field(&out);
    }
    return out.fields;
}

char *expand_string(const char *word)
{
    struct output out = {0};
    expand(&out, word, false, true);
    return finished(&out, false);
}

char *expand_pattern(const char *word)
{
    struct output out = {0};
    expand(&out, word, false, false);
    return finished(&out, true);
}

/* Here-documents and arithmetic: $ and ` work, quotes are ordinary characters. */
char *expand_here(const char *text)
{
    struct output out = {0};
    for (size_t i = 0; text[i];) {
        if (text[i] == '\\' && text[i + 1] == '\n') {
            i += 2;
        } else if (text[i] == '\\' && text[i + 1] && strchr("$`\\", text[i + 1])) {
            put(&out, text[i + 1], true);
            i += 2;
        } else if (text[i] == '$') {
            i++;
            i += put_dollar(&out, text + i, true);
        } else if (text[i] == '`') {
            i++;
            i += put_backquote(&out, text + i, true);
        } else {
            put(&out, text[i++], true);
        }
    }
    return finished(&out, false);
}
