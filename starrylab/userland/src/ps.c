/* ps - all processes: ps [-l] also shows groups, sessions, threads and memory */
#include "starry.h"

int main_ps(int argc, char **argv)
{
    bool lengthy = argc > 1 && strchr(argv[1], 'l');
    struct process *list;
    int count = list_processes(&list);
    long hertz = sysconf(_SC_CLK_TCK);
    printf(lengthy ? "  PID  PPID  PGRP  SESS USER     S NI THR    RSS     TIME COMMAND\n"
                   : "  PID USER     S     TIME COMMAND\n");
    for (int i = 0; i < count; i++) {
        struct process *p = &list[i];
        char rss[16], name[128];
        unsigned long long centis = p->cpu_ticks * 100 / hertz;
        snprintf(name, sizeof name, "%s", p->command);
        printf("%5d ", p->pid);
        if (lengthy)
            printf("%5d %5d %5d ", p->ppid, p->pgrp, p->session);
        printf("%-8s %c ", user_name(p->uid), p->state);
        if (lengthy)
            printf("%2d %3d %6s ", p->nice, p->threads, human(p->rss, rss));
        printf("%5llu.%02llu %s\n", centis / 100, centis % 100, name);
    }
    free(list);
    return 0;
}
