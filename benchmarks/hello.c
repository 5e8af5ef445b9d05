/* What the first program on a board does: text, memory, numbers with a point. */
#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv) {
    double *numbers = malloc(1000 * sizeof *numbers);
    double sum = 0;
    for (int i = 0; i < 1000; i++)
        numbers[i] = 1.0 / (i + 1);
    for (int i = 0; i < 1000; i++)
        sum += numbers[i];
    printf("hello from %s: %d words, %.6f\n", argv[0], argc, sum);
    free(numbers);
    return 0;
}
