/* poweroff - ask init to end everything and switch the machine off: poweroff [-f] */
#include <sys/reboot.h>
#include "starry.h"

int main_poweroff(int argc, char **argv)
{
    bool force = argc > 1 && strcmp(argv[1], "-f") == 0;
    if (force ? reboot(RB_POWER_OFF) : kill(1, SIGUSR2))
        die_errno("cannot switch off");
    return 0;
}
