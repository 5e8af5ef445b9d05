/* TIOCGLCKTRMIOS, TIOCSLCKTRMIOS: settings of a terminal that nobody can change */
#include "../t.h"

static int master, slave;

static void show_settings(void)
{
    struct termios modes;
    tcgetattr(slave, &modes);
    printf("echo %d canonical %d", !!(modes.c_lflag & ECHO), !!(modes.c_lflag & ICANON));
    printf(" intr %d quit %d\n", modes.c_cc[VINTR], modes.c_cc[VQUIT]);
}

int main(void)
{
    struct termios locks, before, modes;
    char name[64];
    master = posix_openpt(O_RDWR | O_NOCTTY);
    grantpt(master);
    unlockpt(master);
    ptsname_r(master, name, sizeof name);
    slave = open(name, O_RDWR | O_NOCTTY);
    ok("TIOCGLCKTRMIOS", ioctl(slave, TIOCGLCKTRMIOS, &locks));
    printf("nothing is locked: %d\n", !locks.c_iflag && !locks.c_lflag && !locks.c_cc[VINTR]);
    tcgetattr(slave, &before);
    locks.c_lflag = ECHO;
    locks.c_cc[VINTR] = 1;
    ok("TIOCSLCKTRMIOS", ioctl(slave, TIOCSLCKTRMIOS, &locks));
    modes = before;
    modes.c_lflag &= ~(ECHO | ICANON);
    modes.c_cc[VINTR] = 'i';
    modes.c_cc[VQUIT] = 'q';
    ok("change", tcsetattr(slave, TCSANOW, &modes));
    show_settings();
    memset(&locks, 0, sizeof locks);
    ok("through the other end", ioctl(master, TIOCGLCKTRMIOS, &locks));
    printf("echo is locked: %d\n", !!(locks.c_lflag & ECHO));
    ok("bad pointer", ioctl(slave, TIOCSLCKTRMIOS, (void *)8));
    memset(&locks, 0, sizeof locks);
    fflush(stdout);
    if (!fork()) {
        setuid(65534);
        ok("read without rights", ioctl(slave, TIOCGLCKTRMIOS, &modes));
        ok("set without rights", ioctl(slave, TIOCSLCKTRMIOS, &locks));
        fflush(stdout);
        _exit(0);
    }
    wait(NULL);
    ok("unlock", ioctl(slave, TIOCSLCKTRMIOS, &locks));
    modes = before;
    modes.c_lflag &= ~ECHO;
    modes.c_cc[VINTR] = 'i';
    tcsetattr(slave, TCSANOW, &modes);
    show_settings();
    return 0;
}
