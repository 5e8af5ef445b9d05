/* What all built-in programs share. Each program is main_NAME() in NAME.c. */
#ifndef STARRY_H
#define STARRY_H
#define _GNU_SOURCE
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#define X(name) int main_##name(int argc, char **argv);
#include "applets.h"
#undef X

typedef int applet_main(int argc, char **argv);
applet_main *find_applet(const char *name);

extern const char *program; /* the name we were called by, for messages */

/* util.c */
void warn_errno(const char *what);              /* "ls: what: No such file or directory" */
void complain_of(const char *format, va_list args);
void complain(const char *format, ...) __attribute__((format(printf, 1, 2)));
_Noreturn void die(const char *format, ...) __attribute__((format(printf, 1, 2)));
_Noreturn void die_errno(const char *what);
void *need(size_t size);                        /* malloc that does not return NULL */
void *need_more(void *old, size_t size);
char *join_path(const char *folder, const char *name); /* caller frees */
const char *last_part(const char *path);
int copy_fd(int from, int to);                  /* until end of file; -1 with errno */
void write_all(int fd, const void *data, size_t size); /* dies on error */
char *read_whole(const char *path);             /* small text file; NULL with errno */
char *human(uint64_t bytes, char out[16]);
double seconds_now(void);
int terminal_width(void);
int signal_number(const char *name);            /* "9", "KILL", "SIGKILL"; -1 */
const char *signal_name(int number);            /* "KILL" */
void mode_text(mode_t mode, char out[11]);      /* "drwxr-xr-x" */
const char *user_name(uid_t uid);               /* or the number; static buffer */
const char *group_name(gid_t gid);

/* Run `use` on every file named, or on standard input when there is none. */
int each_input(int argc, char **argv, int first, int (*use)(FILE *in, const char *name));

/* proc.c: what ps, top and free read from /proc */
struct process {
    int pid, ppid, pgrp, session, tty, tpgid, threads, nice;
    char state;
    unsigned uid;
    unsigned long long cpu_ticks, start_ticks;
    unsigned long size, rss; /* bytes */
    char name[64];
    char command[128];
};
int list_processes(struct process **out);       /* how many; caller frees */
unsigned long long meminfo(const char *key);    /* bytes */

/* line.c */
char *edit_line(const char *prompt); /* malloc'd, with its newline; NULL at end of input */
void history_add(const char *line);
void history_print(void);
#endif
