/* echo - print its arguments: -n without newline, -e with \n \t \\ \0NNN \xHH */
#include "starry.h"

static const char *put_escape(const char *at, bool *stop)
{
    static const char letters[] = "abefnrtv\\", values[] = "\a\b\033\f\n\r\t\v\\";
    const char *found = *at ? strchr(letters, *at) : NULL;
    if (found) {
        putchar(values[found - letters]);
    } else if (*at == 'c') {
        *stop = true;
    } else if (*at == '0') {
        int value = 0, digits = 0;
        while (digits < 3 && at[1] >= '0' && at[1] <= '7') {
            value = value * 8 + *++at - '0';
            digits++;
        }
        putchar(value);
    } else if (*at == 'x' && isxdigit((unsigned char)at[1])) {
        char hex[3] = {at[1], isxdigit((unsigned char)at[2]) ? at[2] : 0, 0};
        putchar((int)strtol(hex, NULL, 16));
        at += strlen(hex);
    } else {
        putchar('\\');
        return at;
    }
    return at + 1;
}

int main_echo(int argc, char **argv)
{
    bool newline = true, escapes = false, stop = false;
    int i = 1;
    for (; i < argc && argv[i][0] == '-' && argv[i][1] && !argv[i][1 + strspn(argv[i] + 1, "neE")]; i++) {
        newline &= strchr(argv[i], 'n') == NULL;
        escapes |= strchr(argv[i], 'e') != NULL;
    }
    for (int first = i; i < argc && !stop; i++) {
        if (i > first)
            putchar(' ');
        for (const char *at = argv[i]; *at && !stop;) {
            if (*at == '\\' && escapes)
                at = put_escape(at + 1, &stop);
            else
                putchar(*at++);
        }
    }
    if (newline && !stop)
        putchar('\n');
    return ferror(stdout) != 0;
}
