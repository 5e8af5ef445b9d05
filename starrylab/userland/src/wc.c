/* wc - count lines, words, bytes: wc [-lwc] [file...] */
#include "starry.h"

static bool wanted[3];
static unsigned long long total[3];
static bool padded;

static void show(const unsigned long long *numbers, const char *name)
{
    const char *space = "";
    for (int i = 0; i < 3; i++)
        if (wanted[i]) {
            printf(padded ? "%s%7llu" : "%s%llu", space, numbers[i]);
            space = " ";
        }
    printf(strcmp(name, "-") == 0 ? "\n" : " %s\n", name);
}

static int use(FILE *in, const char *name)
{
    static unsigned char buffer[65536];
    unsigned long long numbers[3] = {0};
    bool inside = false;
    for (size_t n; (n = fread(buffer, 1, sizeof buffer, in)) > 0;) {
        numbers[2] += n;
        for (size_t i = 0; i < n; i++) {
            bool space = isspace(buffer[i]);
            numbers[0] += buffer[i] == '\n';
            numbers[1] += inside < !space;
            inside = !space;
        }
    }
    for (int i = 0; i < 3; i++)
        total[i] += numbers[i];
    show(numbers, name);
    return 0;
}

int main_wc(int argc, char **argv)
{
    int option;
    bool any = false;
    while ((option = getopt(argc, argv, "lwc")) != -1) {
        if (option == '?')
            die("usage: wc [-lwc] [file...]");
        wanted[strchr("lwc", option) - "lwc"] = any = true;
    }
    if (!any)
        wanted[0] = wanted[1] = wanted[2] = true;
    padded = wanted[0] + wanted[1] + wanted[2] > 1;
    int status = each_input(argc, argv, optind, use);
    if (argc - optind > 1)
        show(total, "total");
    return status;
}
