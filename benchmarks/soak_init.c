/* soak_init - the first process of the soak: runs `sh /soak/round` for every byte it reads.
 *
 * It allocates nothing, so that whatever is there when it sleeps again was there before. */
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

int main(void)
{
    char *argv[] = {"sh", "/soak/round", NULL}, *env[] = {"PATH=/bin:/sbin", "HOME=/", NULL}, byte;
    while (read(0, &byte, 1) == 1) {
        if (fork() == 0) {
            close(0);
            open("/dev/null", O_RDONLY);
            execve("/bin/sh", argv, env);
            _exit(127);
        }
        while (wait(NULL) > 0)
            ;
        if (write(1, "round done\n", 11) != 11)
            return 1;
    }
    return 0;
}
