/* pseudo-terminals: line discipline, echo, signals, window size, raw mode, hang-up */
#include "t.h"

static int master, slave;

static void transcript(const char *what)
{
    char text[500];
    pause_ms(20);
    long n = read(master, text, sizeof text);
    printf("%s: ", what);
    for (long i = 0; i < n; i++)
        if (text[i] < 32 || text[i] == 127)
            printf("<%02x>", text[i]);
        else
            putchar(text[i]);
    puts(n < 0 ? error_name(errno) : "");
    fflush(stdout);
}

static void type(const char *keys)
{
    write(master, keys, strlen(keys));
}

static void take(const char *what)
{
    char text[500];
    long n = read(slave, text, sizeof text);
    printf("%s: %ld ", what, n);
    for (long i = 0; i < n; i++)
        if (text[i] < 32)
            printf("<%02x>", text[i]);
        else
            putchar(text[i]);
    puts(n < 0 ? error_name(errno) : "");
    fflush(stdout);
}

static volatile int seen;
static void on(int number) { seen = number; }

int main(void)
{
    master = posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK);
    ok("grantpt", grantpt(master));
    ok("unlockpt", unlockpt(master));
    char name[64];
    ok("ptsname", ptsname_r(master, name, sizeof name) ? -1 : 0);
    yes("in /dev/pts", strncmp(name, "/dev/pts/", 9) == 0);
    slave = open(name, O_RDWR | O_NOCTTY | O_NONBLOCK);
    yes("isatty", isatty(slave) && isatty(master));
    struct termios modes;
    tcgetattr(slave, &modes);
    printf("defaults %d %d %d %d\n", !!(modes.c_lflag & ICANON), !!(modes.c_lflag & ECHO), !!(modes.c_oflag & OPOST), !!(modes.c_iflag & ICRNL));
    take("nothing");
    type("abc");
    take("no line yet");
    type("\r");
    take("line");
    transcript("echo");
    type("abX\177c\n");
    take("erase");
    transcript("echo");
    type("throw away\025kept\n");
    take("kill");
    transcript("echo");
    type("one two\027three\n");
    take("word erase");
    transcript("echo");
    type("\004");
    take("end of file");
    type("part\004");
    take("flush");
    transcript("echo");
    type("a\026\003b\n");
    take("literal next");
    transcript("echo");
    write(slave, "x\ny\tz\n", 6);
    transcript("output");
    modes.c_lflag &= ~ECHO;
    tcsetattr(slave, TCSANOW, &modes);
    type("secret\n");
    transcript("no echo");
    take("secret");
    cfmakeraw(&modes);
    tcsetattr(slave, TCSANOW, &modes);
    type("r\r\003");
    pause_ms(20);
    take("raw");
    write(slave, "a\nb", 3);
    transcript("raw output");
    modes.c_cc[VMIN] = 0;
    modes.c_cc[VTIME] = 1;
    tcsetattr(slave, TCSANOW, &modes);
    fcntl(slave, F_SETFL, 0);
    take("VTIME");
    fcntl(slave, F_SETFL, O_NONBLOCK);
    struct winsize size = {24, 80, 0, 0};
    show("set size", ioctl(master, TIOCSWINSZ, &size));
    size = (struct winsize){0};
    ioctl(slave, TIOCGWINSZ, &size);
    printf("size %d %d\n", size.ws_row, size.ws_col);
    int ready;
    type("12345");
    pause_ms(20);
    ioctl(slave, FIONREAD, &ready);
    show("FIONREAD", ready);
    show("flush", tcflush(slave, TCIFLUSH));
    show("FIONREAD", (ioctl(slave, FIONREAD, &ready), ready));
    pid_t pid = fork();
    if (!pid) {
        setsid();
        int own = open(name, O_RDWR); /* becomes the controlling terminal */
        yes("controlling", tcgetsid(own) == getpid());
        yes("foreground", tcgetpgrp(own) == getpid());
        struct sigaction action = {.sa_handler = on};
        sigaction(SIGINT, &action, NULL);
        sigaction(SIGWINCH, &action, NULL);
        sigaction(SIGHUP, &action, NULL);
        tcgetattr(own, &modes);
        modes.c_lflag |= ISIG | ICANON;
        tcsetattr(own, TCSANOW, &modes);
        type("\003");
        for (int i = 0; i < 50 && !seen; i++)
            pause_ms(5);
        yes("Ctrl-C", seen == SIGINT);
        size.ws_col = 100;
        ioctl(master, TIOCSWINSZ, &size);
        for (int i = 0; i < 50 && seen != SIGWINCH; i++)
            pause_ms(5);
        yes("SIGWINCH", seen == SIGWINCH);
        pid_t child = fork();
        if (!child) { /* a background process that reads is stopped */
            char byte;
            setpgid(0, 0);
            read(own, &byte, 1);
            _exit(0);
        }
        int status;
        waitpid(child, &status, WUNTRACED);
        yes("SIGTTIN", WIFSTOPPED(status) && WSTOPSIG(status) == SIGTTIN);
        kill(child, SIGKILL);
        reap(child);
        close(slave);
        close(master);
        _exit(0);
    }
    show_status("session", reap(pid));
    close(slave);
    char byte;
    show("all closed", read(master, &byte, 1));
    return 0;
}
