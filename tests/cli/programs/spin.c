#include <stdio.h>
#include <unistd.h>

struct point { int x, y; const char *name; };

static struct point places[2] = {{1, 2, "first"}, {3, 4, "second"}};
volatile int rounds;

static int area(const struct point *p) {
    int result = p->x * p->y;
    return result; /* result */
}

int main(int argc, char **argv) {
    int total = 0;
    for (int i = 0; i < 2; i++)
        total += area(&places[i]); /* sum */
    char line[16];
    if (argc == 2 && read(0, line, sizeof line) > 0)
        total += line[0] - '0';
    printf("total %d\n", total);
    fflush(stdout);
    while (argc > 2)
        rounds++; /* spin */
    return total;
}
