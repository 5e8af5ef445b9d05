/* top - the busiest processes, again and again: top [-d SECONDS] [-n TIMES] [-b]; q ends it */
#include <poll.h>
#include "starry.h"

static struct process *before;
static int before_count;
static struct termios saved;
static bool raw;

static unsigned long long ticks_before(int pid)
{
    for (int i = 0; i < before_count; i++)
        if (before[i].pid == pid)
            return before[i].cpu_ticks;
    return 0;
}

static int by_use(const void *a, const void *b)
{
    const struct process *x = a, *y = b;
    unsigned long long m = x->cpu_ticks - ticks_before(x->pid);
    unsigned long long n = y->cpu_ticks - ticks_before(y->pid);
    return m != n ? (m < n ? 1 : -1) : x->pid - y->pid;
}

static void restore(void)
{
    if (raw)
        tcsetattr(0, TCSADRAIN, &saved);
}

static void on_end(int number)
{
    restore();
    _exit(128 + number);
}

static void draw(double seconds, bool batch)
{
    struct winsize size = {0};
    struct process *list;
    int count = list_processes(&list), running = 0;
    char a[16], b[16], c[16];
    ioctl(1, TIOCGWINSZ, &size);
    int rows = batch || !size.ws_row ? count : size.ws_row - 4;
    int columns = size.ws_col ? size.ws_col : 80;
    long hertz = sysconf(_SC_CLK_TCK);
    for (int i = 0; i < count; i++)
        running += list[i].state == 'R';
    char *uptime = read_whole("/proc/uptime");
    double up = uptime ? atof(uptime) : 0;
    free(uptime);
    unsigned long long total = meminfo("MemTotal"), unused = meminfo("MemFree");
    const char *rest = batch ? "" : "\033[K"; /* clear what the line held before */
    if (!batch)
        printf("\033[H");
    printf("up %.0f s, %d processes, %d running%s\n", up, count, running, rest);
    printf("memory %s, %s free, %s cached%s\n%s\n", human(total, a), human(unused, b),
           human(meminfo("Cached"), c), rest, rest);
    printf("%s%5s %-8s %c %5s %6s %6s %9s %-*s%s\n", batch ? "" : "\033[7m", "PID", "USER", 'S', "%CPU", "SIZE",
           "RSS", "TIME", batch ? 0 : columns - 53, "COMMAND", batch ? "" : "\033[0m");
    qsort(list, count, sizeof *list, by_use);
    for (int i = 0; i < count && i < rows; i++) {
        struct process *p = &list[i];
        double busy = (p->cpu_ticks - ticks_before(p->pid)) / (double)hertz / seconds * 100;
        printf("%5d %-8.8s %c %5.1f %6s %6s ", p->pid, user_name(p->uid), p->state, busy,
               human(p->size, a), human(p->rss, b));
        printf("%6llu.%02llu %.*s%s\n", p->cpu_ticks / hertz, p->cpu_ticks * 100 / hertz % 100,
               columns - 53 > 10 ? columns - 53 : 10, p->command, rest);
    }
    if (!batch)
        printf("\033[J");
    fflush(stdout);
    free(before);
    before = list;
    before_count = count;
}

/* Wait for the next picture; true when a key asks to end. */
static bool pause_for(double seconds)
{
    struct pollfd in = {.fd = 0, .events = POLLIN};
    char key = 0;
    if (!raw) {
        usleep((useconds_t)(seconds * 1e6));
        return false;
    }
    return poll(&in, 1, (int)(seconds * 1000)) > 0 && (read(0, &key, 1) <= 0 || key == 'q');
}

int main_top(int argc, char **argv)
{
    int option;
    long times = -1;
    double seconds = 2;
    bool batch = !isatty(1);
    while ((option = getopt(argc, argv, "d:n:b")) != -1) {
        if (option == 'd')
            seconds = atof(optarg);
        else if (option == 'n')
            times = atol(optarg);
        else if (option == 'b')
            batch = true;
        else
            die("usage: top [-b] [-d seconds] [-n times]");
    }
    if (seconds < 0.1)
        seconds = 0.1;
    if (!batch && tcgetattr(0, &saved) == 0) {
        struct termios modes = saved;
        modes.c_lflag &= ~(ICANON | ECHO);
        raw = tcsetattr(0, TCSADRAIN, &modes) == 0;
        signal(SIGINT, on_end);
        signal(SIGTERM, on_end);
        atexit(restore);
        printf("\033[2J");
    }
    double last = seconds_now() - seconds;
    for (; times != 0; times -= times > 0) {
        double now = seconds_now();
        draw(now - last, batch);
        last = now;
        if (times == 1 || pause_for(seconds))
            break;
    }
    return 0;
}
