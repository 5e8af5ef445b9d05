/* hexdump - bytes in hexadecimal and as text: hexdump [-C] [file...] */
#include "starry.h"

static unsigned long long offset;

static int use(FILE *in, const char *name)
{
    unsigned char row[16];
    for (size_t n; (n = fread(row, 1, sizeof row, in)) > 0; offset += n) {
        printf("%08llx ", offset);
        for (size_t i = 0; i < sizeof row; i++) {
            if (i == 8)
                putchar(' ');
            if (i < n)
                printf(" %02x", row[i]);
            else
                printf("   ");
        }
        printf("  |");
        for (size_t i = 0; i < n; i++)
            putchar(row[i] >= 32 && row[i] < 127 ? row[i] : '.');
        puts("|");
    }
    return 0;
}

int main_hexdump(int argc, char **argv)
{
    int first = argc > 1 && strcmp(argv[1], "-C") == 0 ? 2 : 1;
    int status = each_input(argc, argv, first, use);
    printf("%08llx\n", offset);
    return status;
}
