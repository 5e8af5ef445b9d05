/* One executable, many programs: the last part of argv[0] says which one to be. */
#include "starry.h"

const char *program = "starry";

static const struct {
    const char *name;
    applet_main *run;
} applets[] = {
#define X(name) {#name, main_##name},
#include "applets.h"
#undef X
    {"[", main_test},
};

applet_main *find_applet(const char *name)
{
    for (size_t i = 0; i < sizeof applets / sizeof *applets; i++)
        if (strcmp(applets[i].name, name) == 0)
            return applets[i].run;
    return NULL;
}

int main_help(int argc, char **argv)
{
    int column = 0;
    for (size_t i = 0; i < sizeof applets / sizeof *applets; i++) {
        if (column + 10 > terminal_width()) {
            putchar('\n');
            column = 0;
        }
        column += printf("%-10s", applets[i].name);
    }
    printf("\nTheir sources are in /usr/src/starrylab; `help` of the shell itself: man sh(1p).\n");
    return 0;
}

int main(int argc, char **argv)
{
    program = argc > 0 ? last_part(argv[0]) : "starry";
    if (*program == '-') /* a login shell is "-sh" */
        program++;
    if (strcmp(program, "starry") == 0 && argc > 1) { /* starry ls -l */
        argv++;
        argc--;
        program = last_part(argv[0]);
    }
    applet_main *run = find_applet(program);
    if (!run)
        die("no such program; try: starry help");
    int status = run(argc, argv);
    if (fflush(stdout) != 0 || ferror(stdout)) {
        warn_errno("standard output");
        return status ? status : 1;
    }
    return status;
}
