#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static jmp_buf home;
volatile int counter;
volatile long watched[4];
char buffer[16];

static int twice(int n) {
    int r = n * 2; /* body of twice */
    return r;
}

static int factorial(int n) {
    if (n <= 1)
        return 1;
    int below = factorial(n - 1); /* recursion */
    return n * below;
}

static void jumper(int n) {
    if (n == 0)
        longjmp(home, 1);
    jumper(n - 1);
}

static void on_signal(int signo) {
    counter += signo; /* in the handler */
}

static int callback(int n) {
    return n + 1; /* body of callback */
}

__attribute__((nodebug, noinline)) int no_lines(int (*f)(int), int n) {
    return f(n) + f(n);
}

int main(int argc, char **argv) {
    int a = twice(4); /* first call */
    int b = factorial(5); /* second call */
    counter = a + b;
    watched[1] = 7; /* first write */
    watched[1] = 7;
    watched[2] = 1;
    watched[1] = counter; /* second write */
    counter += no_lines(callback, 1); /* no lines */
    signal(SIGUSR1, on_signal);
    raise(SIGUSR1); /* raise */
    counter++; /* after raise */
    if (setjmp(home) == 0)
        jumper(3); /* jump */
    counter++; /* after jump */
    if (argc > 1 && read(0, buffer, 8) > 0) /* read */
        counter++;
    if (write(1, "hello\n", 6) != 6) /* write */
        return 1;
    return counter & 63;
}
