/* mkfifo - make named pipes */
#include "starry.h"

int main_mkfifo(int argc, char **argv)
{
    int status = 0;
    for (int i = 1; i < argc; i++)
        if (mkfifo(argv[i], 0666) < 0) {
            warn_errno(argv[i]);
            status = 1;
        }
    return status;
}
