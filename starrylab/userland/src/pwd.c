/* pwd - print the working directory */
#include "starry.h"

int main_pwd(int argc, char **argv)
{
    char path[4096];
    if (!getcwd(path, sizeof path)) {
        warn_errno("getcwd");
        return 1;
    }
    puts(path);
    return 0;
}
