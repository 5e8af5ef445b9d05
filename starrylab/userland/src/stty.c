/* stty - terminal settings: stty [-a | size | sane | raw | [-]echo | [-]icanon | [-]isig | ...] */
#include "starry.h"

static const struct {
    const char *name;
    int group; /* 0 c_iflag, 1 c_oflag, 2 c_lflag */
    tcflag_t bit;
} flags[] = {
    {"icrnl", 0, ICRNL}, {"inlcr", 0, INLCR},   {"igncr", 0, IGNCR}, {"ixon", 0, IXON},
    {"iutf8", 0, IUTF8}, {"opost", 1, OPOST},   {"onlcr", 1, ONLCR}, {"isig", 2, ISIG},
    {"echo", 2, ECHO},   {"icanon", 2, ICANON}, {"echoe", 2, ECHOE}, {"echok", 2, ECHOK},
    {"tostop", 2, TOSTOP}, {"iexten", 2, IEXTEN}, {"echoctl", 2, ECHOCTL},
};

static tcflag_t *group(struct termios *modes, int number)
{
    return number == 0 ? &modes->c_iflag : number == 1 ? &modes->c_oflag : &modes->c_lflag;
}

static void show(struct termios *modes, const struct winsize *size)
{
    printf("rows %d; columns %d;\n", size->ws_row, size->ws_col);
    for (size_t i = 0; i < sizeof flags / sizeof *flags; i++)
        printf("%s%s ", *group(modes, flags[i].group) & flags[i].bit ? "" : "-", flags[i].name);
    putchar('\n');
}

static void make_sane(struct termios *modes)
{
    modes->c_iflag |= ICRNL | IXON | IUTF8;
    modes->c_iflag &= ~(INLCR | IGNCR);
    modes->c_oflag |= OPOST | ONLCR;
    modes->c_lflag |= ISIG | ICANON | ECHO | ECHOE | ECHOK | ECHOCTL | ECHOKE | IEXTEN;
}

static bool set(struct termios *modes, const char *word)
{
    bool off = *word == '-';
    for (size_t i = 0; i < sizeof flags / sizeof *flags; i++)
        if (strcmp(flags[i].name, word + off) == 0) {
            tcflag_t *field = group(modes, flags[i].group);
            *field = off ? *field & ~flags[i].bit : *field | flags[i].bit;
            return true;
        }
    return false;
}

int main_stty(int argc, char **argv)
{
    struct termios modes;
    struct winsize size = {0};
    if (tcgetattr(0, &modes) < 0)
        die_errno("standard input");
    ioctl(0, TIOCGWINSZ, &size);
    if (argc == 1 || strcmp(argv[1], "-a") == 0) {
        show(&modes, &size);
        return 0;
    }
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "size") == 0) {
            printf("%d %d\n", size.ws_row, size.ws_col);
        } else if (strcmp(argv[i], "sane") == 0) {
            make_sane(&modes);
        } else if (strcmp(argv[i], "raw") == 0) {
            cfmakeraw(&modes);
        } else if ((strcmp(argv[i], "rows") == 0 || strcmp(argv[i], "cols") == 0) && i + 1 < argc) {
            *(argv[i][0] == 'r' ? &size.ws_row : &size.ws_col) = atoi(argv[i + 1]);
            i++;
            if (ioctl(0, TIOCSWINSZ, &size) < 0)
                die_errno("size");
        } else if (!set(&modes, argv[i])) {
            die("%s: no such setting", argv[i]);
        }
    }
    if (tcsetattr(0, TCSADRAIN, &modes) < 0)
        die_errno("standard input");
    return 0;
}
