/* A little of everything: what a program on a board has to print just as elsewhere. */
#include <math.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static volatile sig_atomic_t caught;
static volatile double disturbed;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static long total;

static void handler(int signo) {
    disturbed = sqrt(disturbed + 2);  /* floating-point registers are not the handler's */
    caught = signo;
}

static void *add(void *argument) {
    for (int i = 0; i < 1000; i++) {
        pthread_mutex_lock(&lock);
        total += (long)argument;
        pthread_mutex_unlock(&lock);
    }
    return NULL;
}

int main(int argc, char **argv) {
    double sum = 0;
    for (int i = 1; i <= 1000; i++)
        sum += 1.0 / i / i;
    printf("%s %d %.12f %a\n", argv[argc - 1], argc, sqrt(6 * sum), sum);

    char *blocks[16];
    for (int i = 0; i < 16; i++)
        memset(blocks[i] = malloc(5000 + 700 * i), 'a' + i, 5000 + 700 * i);
    for (int i = 0; i < 16; i++)
        putchar(blocks[i][4999 + 700 * i]), free(blocks[i]);
    putchar('\n');

    signal(SIGUSR1, handler);
    double before = sum * 3;
    raise(SIGUSR1);
    printf("signal %d, %s\n", caught, before == sum * 3 ? "undisturbed" : "disturbed");

    pthread_t threads[2];
    for (long i = 0; i < 2; i++)
        pthread_create(&threads[i], NULL, add, (void *)(i + 1));
    for (int i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
    printf("threads %ld\n", total);
    fflush(stdout);

    int ends[2], status;
    char text[16] = "";
    if (pipe(ends))
        return 1;
    pid_t child = fork();
    if (!child) {
        total = -1;
        write(ends[1], "from the child", 15);
        _exit(9);
    }
    read(ends[0], text, sizeof text);
    waitpid(child, &status, 0);
    printf("%s, %d, %ld\n", text, WEXITSTATUS(status), total);
    return 3;
}
