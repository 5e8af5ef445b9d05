/* Reading /proc, see proc(5). */
#include "starry.h"

static bool read_process(int pid, struct process *p)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/stat", pid);
    char *text = read_whole(path);
    if (!text)
        return false; /* it ended since we saw its name */
    memset(p, 0, sizeof *p);
    p->pid = pid;
    /* The name stands in parentheses and may itself contain some: look for the last one. */
    char *left = strchr(text, '('), *right = strrchr(text, ')');
    if (!left || !right) {
        free(text);
        return false;
    }
    snprintf(p->name, sizeof p->name, "%.*s", (int)(right - left - 1), left + 1);
    unsigned long long user = 0, system = 0;
    long pages = 0, nice = 0, threads = 0;
    sscanf(right + 1,
           " %c %d %d %d %d %d %*u %*u %*u %*u %*u %llu %llu %*d %*d %*d %ld %ld %*d %llu %lu %ld",
           &p->state, &p->ppid, &p->pgrp, &p->session, &p->tty, &p->tpgid, &user, &system, &nice,
           &threads, &p->start_ticks, &p->size, &pages);
    free(text);
    p->cpu_ticks = user + system;
    p->rss = pages * sysconf(_SC_PAGESIZE);
    p->nice = nice;
    p->threads = threads;
    snprintf(path, sizeof path, "/proc/%d", pid);
    struct stat st;
    if (stat(path, &st) == 0)
        p->uid = st.st_uid;
    snprintf(path, sizeof path, "/proc/%d/cmdline", pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? 0 : read(fd, p->command, sizeof p->command - 1);
    if (fd >= 0)
        close(fd);
    for (ssize_t i = 0; i + 1 < n; i++)
        if (!p->command[i])
            p->command[i] = ' ';
    if (n <= 0) /* a zombie has no arguments any more */
        snprintf(p->command, sizeof p->command, "[%s]", p->name);
    return true;
}

static int by_pid(const void *a, const void *b)
{
    return ((const struct process *)a)->pid - ((const struct process *)b)->pid;
}

int list_processes(struct process **out)
{
    DIR *folder = opendir("/proc");
    if (!folder)
        die_errno("/proc");
    int count = 0, room = 64;
    struct process *list = need(room * sizeof *list);
    for (struct dirent *entry; (entry = readdir(folder));) {
        if (!isdigit((unsigned char)entry->d_name[0]))
            continue;
        if (count == room)
            list = need_more(list, (room *= 2) * sizeof *list);
        if (read_process(atoi(entry->d_name), &list[count]))
            count++;
    }
    closedir(folder);
    qsort(list, count, sizeof *list, by_pid);
    *out = list;
    return count;
}

unsigned long long meminfo(const char *key)
{
    char *text = read_whole("/proc/meminfo");
    if (!text)
        die_errno("/proc/meminfo");
    unsigned long long kib = 0;
    size_t length = strlen(key);
    for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n"))
        if (strncmp(line, key, length) == 0 && line[length] == ':')
            kib = strtoull(line + length + 1, NULL, 10);
    free(text);
    return kib * 1024;
}
