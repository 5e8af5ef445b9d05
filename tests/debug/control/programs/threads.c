#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static volatile int rounds[3];
static volatile int go_on = 1;
int shared_word;

static int work(int n) {
    rounds[n]++; /* in work */
    return rounds[n];
}

static void *worker(void *argument) {
    int n = (int)(long)argument;
    while (go_on)
        work(n); /* loop */
    return 0;
}

static void in_child(void) {
    shared_word = 7; /* child */
}

int main(int argc, char **argv) {
    if (argc > 2)
        return 42; /* second program */
    pthread_t threads[2];
    for (long n = 0; n < 2; n++)
        pthread_create(&threads[n], 0, worker, (void *)(n + 1));
    while (rounds[1] < 50 || rounds[2] < 50)
        work(0); /* main loop */
    go_on = 0; /* stop them */
    for (int n = 0; n < 2; n++)
        pthread_join(threads[n], 0); /* join */
    pid_t child = fork();
    if (child == 0) {
        in_child();
        _exit(3);
    }
    int status;
    waitpid(child, &status, 0); /* wait */
    shared_word = 1; /* parent */
    if (argc > 1)
        execl("/tmp/prog", "prog", "a", "b", (char *)0); /* exec */
    return WEXITSTATUS(status);
}
