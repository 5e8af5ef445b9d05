/* Functions to step through. Tests name lines by the marks at their ends. */
#include <stdio.h>
#include <unistd.h>

int counter;

static int add(int a, int b)
{
    int sum = a + b; /* mark: add */
    counter += sum;  /* mark: store */
    return sum;      /* mark: return */
}

static int work(int n)
{
    int total = 0;
    for (int i = 0; i < n; i++)
        total += add(i, 1); /* mark: call */
    return total;
}

int main(int argc, char **argv)
{
    int r = work(3); /* mark: first */
    printf("total %d counter %d\n", r, counter);
    fflush(stdout);
    return r + 1; /* mark: last */
}
