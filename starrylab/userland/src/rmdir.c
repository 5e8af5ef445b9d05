/* rmdir - remove empty folders */
#include "starry.h"

int main_rmdir(int argc, char **argv)
{
    int status = 0;
    for (int i = 1; i < argc; i++)
        if (rmdir(argv[i]) < 0) {
            warn_errno(argv[i]);
            status = 1;
        }
    return status;
}
