/* Shared by the programs about namespaces. */
#include "child.h"

/* Write a text to a file that is there: 0, or -1. */
static inline long put(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY);
    if (fd < 0)
        return -1;
    long done = write(fd, text, strlen(text));
    int saved = errno;
    close(fd);
    errno = saved;
    return done < 0 ? -1 : 0;
}
