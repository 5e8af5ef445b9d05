/* which - where a program is found in PATH */
#include "starry.h"

static bool find_in_path(const char *name)
{
    const char *path = getenv("PATH");
    for (path = path ? path : "/bin:/usr/bin"; *path; path += *path == ':') {
        char full[4096];
        size_t size = strcspn(path, ":");
        snprintf(full, sizeof full, "%.*s/%s", (int)size, path, name);
        if (access(full, X_OK) == 0)
            return puts(full) >= 0;
        path += size;
    }
    return false;
}

int main_which(int argc, char **argv)
{
    int status = 0;
    for (int i = 1; i < argc; i++)
        status |= !find_in_path(argv[i]);
    return status;
}
