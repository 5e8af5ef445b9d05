/* printf - formatted output: printf FORMAT [argument...]; the format repeats for more of them */
#include "starry.h"

static char **next_argument;
static bool stop;

static const char *escape(const char *at)
{
    static const char letters[] = "abefnrtv\\\"'", values[] = "\a\b\033\f\n\r\t\v\\\"'";
    const char *found = *at ? strchr(letters, *at) : NULL;
    if (found) {
        putchar(values[found - letters]);
        return at + 1;
    }
    if (*at == 'c') {
        stop = true;
        return at + 1;
    }
    if (*at >= '0' && *at <= '7') {
        int value = 0;
        for (int digits = 0; digits < 3 && *at >= '0' && *at <= '7'; digits++)
            value = value * 8 + *at++ - '0';
        putchar(value);
        return at;
    }
    if (*at == 'x' && isxdigit((unsigned char)at[1])) {
        char hex[3] = {at[1], isxdigit((unsigned char)at[2]) ? at[2] : 0, 0};
        putchar((int)strtol(hex, NULL, 16));
        return at + 1 + strlen(hex);
    }
    putchar('\\');
    return at;
}

static const char *argument(void)
{
    return *next_argument ? *next_argument++ : "";
}

static long long number(int *status)
{
    const char *text = argument();
    char *end;
    if (*text == '\'' || *text == '"')
        return (unsigned char)text[1];
    long long value = strtoll(text, &end, 0);
    if (*end) {
        complain("%s: not a number", text);
        *status = 1;
    }
    return value;
}

static const char *conversion(const char *at, int *status)
{
    char spec[64] = "%";
    size_t n = 1;
    while (*at && strchr("-+ #0123456789.*", *at) && n < sizeof spec - 16) {
        if (*at == '*')
            n += snprintf(spec + n, 12, "%d", (int)number(status));
        else
            spec[n++] = *at;
        at++;
    }
    char kind = *at;
    spec[n] = 0;
    switch (kind) {
    case 'd':
    case 'i':
    case 'u':
    case 'o':
    case 'x':
    case 'X':
        sprintf(spec + n, "ll%c", kind);
        printf(spec, number(status));
        break;
    case 'e':
    case 'f':
    case 'g':
        sprintf(spec + n, "%c", kind);
        printf(spec, strtod(argument(), NULL));
        break;
    case 'c':
        if (*argument())
            putchar(*next_argument[-1]);
        break;
    case 's':
        strcpy(spec + n, "s");
        printf(spec, argument());
        break;
    case 'b':
        for (const char *text = argument(); *text && !stop;)
            text = *text == '\\' ? escape(text + 1) : (putchar(*text), text + 1);
        break;
    case '%': putchar('%'); break;
    default:
        complain("%%%c: no such conversion", kind);
        *status = 1;
        return at + strlen(at);
    }
    return at + 1;
}

int main_printf(int argc, char **argv)
{
    int status = 0;
    if (argc < 2) {
        complain("usage: printf format [argument...]");
        return 2;
    }
    if (argc > 2 && strcmp(argv[1], "--") == 0)
        argv++;
    stop = false;
    next_argument = argv + 2;
    char **before;
    do {
        before = next_argument;
        for (const char *at = argv[1]; *at && !stop;) {
            if (*at == '\\')
                at = escape(at + 1);
            else if (*at == '%')
                at = conversion(at + 1, &status);
            else
                putchar(*at++);
        }
    } while (*next_argument && next_argument > before && !stop);
    return status;
}
