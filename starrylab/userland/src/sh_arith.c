/* $((...)): C's integer expressions by precedence climbing. */
#include "sh.h"

struct reader {
    const char *at;
    bool skip; /* parse only: the branch that && || ?: does not take */
};

static long long comma(struct reader *r);
static long long assignment(struct reader *r);

static bool take(struct reader *r, const char *sign)
{
    while (isspace((unsigned char)*r->at))
        r->at++;
    if (strncmp(r->at, sign, strlen(sign)) != 0)
        return false;
    r->at += strlen(sign);
    return true;
}

static long long value_of(const char *name)
{
    const char *text = get_var(name);
    return text && *text ? strtoll(text, NULL, 0) : 0;
}

static long long primary(struct reader *r)
{
    if (take(r, "(")) {
        long long value = comma(r);
        if (!take(r, ")"))
            sh_error("arithmetic: missing )");
        return value;
    }
    size_t size = name_length(r->at);
    if (size) {
        char *name = arena_copy(r->at, size);
        r->at += size;
        return value_of(name);
    }
    if (!isdigit((unsigned char)*r->at))
        sh_error("arithmetic: a value is missing at `%s'", r->at);
    char *end;
    long long value = strtoll(r->at, &end, 0);
    r->at = end;
    return value;
}

static long long unary(struct reader *r)
{
    if (take(r, "!"))
        return !unary(r);
    if (take(r, "~"))
        return ~unary(r);
    if (take(r, "-"))
        return -unary(r);
    if (take(r, "+"))
        return unary(r);
    return primary(r);
}

static const struct {
    const char *sign;
    int level;
    char code;
} operators[] = {
    {"||", 1, 'O'}, {"&&", 2, 'A'}, {"|", 3, '|'},  {"^", 4, '^'},  {"&", 5, '&'},  {"==", 6, '='},
    {"!=", 6, '!'}, {"<=", 7, 'l'}, {">=", 7, 'g'}, {"<<", 8, 'L'}, {">>", 8, 'R'}, {"<", 7, '<'},
    {">", 7, '>'},  {"+", 9, '+'},  {"-", 9, '-'},  {"*", 10, '*'}, {"/", 10, '/'}, {"%", 10, '%'},
};

static long long combine(char code, long long a, long long b, bool skip)
{
    if ((code == '/' || code == '%') && b == 0) {
        if (skip)
            return 0;
        sh_error("arithmetic: division by zero");
    }
    switch (code) {
    case '|': return a | b;
    case '^': return a ^ b;
    case '&': return a & b;
    case '=': return a == b;
    case '!': return a != b;
    case 'l': return a <= b;
    case 'g': return a >= b;
    case '<': return a < b;
    case '>': return a > b;
    case 'L': return (long long)((unsigned long long)a << (b & 63));
    case 'R': return a >> (b & 63);
    case '+': return (long long)((unsigned long long)a + (unsigned long long)b);
    case '-': return (long long)((unsigned long long)a - (unsigned long long)b);
    case '*': return (long long)((unsigned long long)a * (unsigned long long)b);
    case '/': return b == -1 ? (long long)-(unsigned long long)a : a / b;
    default: return b == -1 ? 0 : a % b;
    }
}

static long long binary(struct reader *r, int level)
{
    long long left = unary(r);
    for (;;) {
        while (isspace((unsigned char)*r->at))
            r->at++;
        size_t i = 0, count = sizeof operators / sizeof *operators;
        while (i < count && strncmp(operators[i].sign, r->at, strlen(operators[i].sign)) != 0)
            i++;
        if (i == count || operators[i].level < level)
            return left;
        r->at += strlen(operators[i].sign);
        char code = operators[i].code;
        if (code == 'O' || code == 'A') {
            bool before = r->skip;
            r->skip |= code == 'O' ? left != 0 : left == 0;
            long long right = binary(r, operators[i].level + 1);
            r->skip = before;
            left = code == 'O' ? left || right : left && right;
        } else {
            left = combine(code, left, binary(r, operators[i].level + 1), r->skip);
        }
    }
}

static long long ternary(struct reader *r)
{
    long long condition = binary(r, 1);
    if (!take(r, "?"))
        return condition;
    bool before = r->skip;
    r->skip = before || !condition;
    long long yes = assignment(r);
    if (!take(r, ":"))
        sh_error("arithmetic: missing :");
    r->skip = before || condition;
    long long no = assignment(r);
    r->skip = before;
    return condition ? yes : no;
}

static long long assignment(struct reader *r)
{
    while (isspace((unsigned char)*r->at))
        r->at++;
    size_t size = name_length(r->at);
    const char *sign = r->at + size;
    while (size && isspace((unsigned char)*sign))
        sign++;
    if (!size || !*sign)
        return ternary(r);
    char code = 0;
    static const struct { const char *sign; char code; } compound[] = {
        {"+=", '+'}, {"-=", '-'}, {"*=", '*'},  {"/=", '/'},  {"%=", '%'},
        {"&=", '&'}, {"|=", '|'}, {"^=", '^'}, {"<<=", 'L'}, {">>=", 'R'},
    };
    size_t length = 1;
    if (sign[0] == '=' && sign[1] != '=')
        code = '=';
    for (size_t i = 0; i < sizeof compound / sizeof *compound; i++)
        if (strncmp(sign, compound[i].sign, strlen(compound[i].sign)) == 0) {
            code = compound[i].code;
            length = strlen(compound[i].sign);
        }
    if (!code)
        return ternary(r);
    char *name = arena_copy(r->at, size);
    r->at = sign + length;
    long long value = assignment(r);
    if (code != '=')
        value = combine(code, value_of(name), value, r->skip);
    if (!r->skip) {
        char text[24];
        snprintf(text, sizeof text, "%lld", value);
        set_var(name, text);
    }
    return value;
}

static long long comma(struct reader *r)
{
    long long value = assignment(r);
    while (take(r, ","))
        value = assignment(r);
    return value;
}

long long arithmetic(const char *text)
{
    struct reader r = {.at = text};
    while (isspace((unsigned char)*r.at))
        r.at++;
    if (!*r.at)
        return 0;
    long long value = comma(&r);
    while (isspace((unsigned char)*r.at))
        r.at++;
    if (*r.at)
        sh_error("arithmetic: unexpected `%s'", r.at);
    return value;
}
