/* Jobs: process groups, the terminal's foreground group, stopping and continuing. */
#include "sh.h"

static struct job jobs[64];
static struct termios shell_modes;
static pid_t shell_group;
static int tty = -1; /* the terminal when there is job control */

static const int job_signals[] = {SIGINT, SIGQUIT, SIGTSTP, SIGTTIN, SIGTTOU};

void jobs_init(void)
{
    tty = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 200);
    if (tty < 0 || !isatty(tty))
        return;
    /* Started in the background: stop until somebody brings us to the front. */
    while (tcgetpgrp(tty) != (shell_group = getpgrp())) {
        if (tcgetpgrp(tty) < 0) { /* a terminal, but not our controlling one */
            close(tty);
            tty = -1;
            return;
        }
        kill(0, SIGTTIN);
    }
    for (size_t i = 0; i < sizeof job_signals / sizeof *job_signals; i++)
        if (job_signals[i] != SIGINT) /* sh.c has a handler for Ctrl-C */
            signal(job_signals[i], SIG_IGN);
    if (getsid(0) != getpid())
        setpgid(0, 0);
    shell_group = getpgrp();
    tcsetpgrp(tty, shell_group);
    tcgetattr(tty, &shell_modes);
}

/* What a shell at a terminal ignores or handles is not for the programs that it runs. */
static void default_signals(void)
{
    for (size_t i = 0; i < sizeof job_signals / sizeof *job_signals; i++)
        signal(job_signals[i], SIG_DFL);
    if (!sh.traps[SIGTERM]) /* trap '' TERM is for them, too */
        signal(SIGTERM, SIG_DFL);
}

void jobs_forget(void)
{
    memset(jobs, 0, sizeof jobs);
    tty = -1;
    sh.interactive = false;
    for (int i = 1; i <= 64; i++) {
        if (sh.traps[i] && *sh.traps[i]) { /* a subshell has no traps; ignored stays ignored */
            sh.traps[i] = NULL;
            signal(i, SIG_DFL);
        }
    }
    sh.traps[0] = NULL;
}

struct job *job_new(const char *text)
{
    int highest = 0;
    struct job *slot = NULL;
    for (int i = 0; i < 64; i++) {
        if (jobs[i].number > highest)
            highest = jobs[i].number;
        if (!jobs[i].number && !slot)
            slot = &jobs[i];
    }
    if (!slot)
        sh_error("too many jobs");
    free(slot->text);
    memset(slot, 0, sizeof *slot);
    slot->number = highest + 1;
    slot->text = strdup(text ? text : "");
    return slot;
}

static void job_free(struct job *job)
{
    free(job->text);
    memset(job, 0, sizeof *job);
}

/* Both parent and child set the group, so that neither depends on who runs first. */
static void enter_group(struct job *job, pid_t pid, bool foreground)
{
    if (tty < 0)
        return;
    setpgid(pid, job->group ? job->group : pid);
    if (!job->group)
        job->group = pid;
    if (foreground)
        tcsetpgrp(tty, job->group);
}

pid_t fork_part(struct job *job, bool foreground)
{
    if (job->count == (int)(sizeof job->part / sizeof *job->part))
        sh_error("too many commands in a pipeline");
    fflush(stdout);
    pid_t pid = fork();
    if (pid < 0) {
        job_free(job);
        sh_error("fork: %s", strerror(errno));
    }
    if (pid == 0) {
        enter_group(job, getpid(), foreground);
        bool job_control = tty >= 0;
        bool was_interactive = sh.interactive;
        jobs_forget();
        sh.subshell = true;
        if (job_control || was_interactive)
            default_signals();
        if (!job_control && !foreground) { /* POSIX 2.11: no Ctrl-C for it, no terminal input */
            signal(SIGINT, SIG_IGN);
            signal(SIGQUIT, SIG_IGN);
            int null = open("/dev/null", O_RDONLY);
            if (null > 0) {
                dup2(null, 0);
                close(null);
            }
        }
        return 0;
    }
    enter_group(job, pid, foreground);
    job->part[job->count++].pid = pid;
    return pid;
}

static int status_of(int raw)
{
    return WIFEXITED(raw) ? WEXITSTATUS(raw) : 128 + (WIFSTOPPED(raw) ? WSTOPSIG(raw) : WTERMSIG(raw));
}

static struct job *note(pid_t pid, int raw)
{
    for (int i = 0; i < 64; i++)
        for (int k = 0; jobs[i].number && k < jobs[i].count; k++)
            if (jobs[i].part[k].pid == pid) {
                jobs[i].part[k].stopped = WIFSTOPPED(raw);
                jobs[i].part[k].done = WIFEXITED(raw) || WIFSIGNALED(raw);
                if (!WIFCONTINUED(raw))
                    jobs[i].part[k].status = raw;
                jobs[i].reported = false;
                return &jobs[i];
            }
    return NULL;
}

static bool job_done(struct job *job)
{
    for (int k = 0; k < job->count; k++)
        if (!job->part[k].done)
            return false;
    return true;
}

static bool job_stopped(struct job *job)
{
    bool any = false;
    for (int k = 0; k < job->count; k++) {
        if (!job->part[k].done && !job->part[k].stopped)
            return false;
        any |= job->part[k].stopped;
    }
    return any;
}

static int last_status(struct job *job)
{
    return job->part[job->count - 1].status;
}

static void describe(struct job *job)
{
    char state[48];
    int raw = last_status(job);
    if (job_done(job) && WIFSIGNALED(raw))
        snprintf(state, sizeof state, "%s", strsignal(WTERMSIG(raw)));
    else if (job_done(job) && WEXITSTATUS(raw))
        snprintf(state, sizeof state, "Done(%d)", WEXITSTATUS(raw));
    else
        strcpy(state, job_done(job) ? "Done" : job_stopped(job) ? "Stopped" : "Running");
    fprintf(stderr, "[%d] %-12s %s\n", job->number, state, job->text);
}

int job_wait(struct job *job)
{
    while (!job_done(job) && !job_stopped(job)) {
        int raw;
        pid_t pid = waitpid(-1, &raw, WUNTRACED);
        if (pid > 0)
            note(pid, raw);
        else if (errno != EINTR)
            break;
    }
    int raw = last_status(job);
    if (tty >= 0) {
        tcsetpgrp(tty, shell_group);
        if (job_stopped(job)) {
            tcsetattr(tty, TCSADRAIN, &shell_modes);
            fputc('\n', stderr);
            describe(job);
            job->background = job->reported = true;
            return status_of(raw);
        }
        if (WIFSIGNALED(raw)) { /* it may have left the terminal in any state */
            tcsetattr(tty, TCSADRAIN, &shell_modes);
            if (WTERMSIG(raw) == SIGINT)
                fputc('\n', stderr);
            sh.breaking = WTERMSIG(raw) == SIGINT ? sh.loops : 0;
        }
    }
    if (WIFSIGNALED(raw) && WTERMSIG(raw) != SIGINT && WTERMSIG(raw) != SIGPIPE && !sh.subshell)
        fprintf(stderr, "%s%s\n", strsignal(WTERMSIG(raw)), WCOREDUMP(raw) ? " (core dumped)" : "");
    job_free(job);
    return status_of(raw);
}

void job_background(struct job *job)
{
    job->background = job->reported = true;
    sh.last_background = job->part[job->count - 1].pid;
    if (sh.interactive)
        fprintf(stderr, "[%d] %d\n", job->number, (int)sh.last_background);
}

static void collect(void)
{
    int raw;
    pid_t pid;
    while ((pid = waitpid(-1, &raw, WNOHANG | WUNTRACED | WCONTINUED)) > 0)
        note(pid, raw);
}

void jobs_report(void)
{
    collect();
    for (int i = 0; i < 64; i++) {
        if (!jobs[i].number || jobs[i].reported)
            continue;
        bool done = job_done(&jobs[i]);
        if (done || job_stopped(&jobs[i]))
            describe(&jobs[i]);
        jobs[i].reported = true;
        if (done)
            job_free(&jobs[i]);
    }
}

/* %2, %%, %name, a process number; NULL and a message when there is none. */
static struct job *find_job(const char *spec)
{
    struct job *best = NULL;
    for (int i = 0; i < 64; i++) {
        struct job *job = &jobs[i];
        if (!job->number)
            continue;
        if (!spec || strcmp(spec, "%%") == 0 || strcmp(spec, "%+") == 0 || strcmp(spec, "%") == 0) {
            if (!best || job->number > best->number)
                best = job;
        } else if (*spec == '%') {
            if (isdigit((unsigned char)spec[1]) ? atoi(spec + 1) == job->number
                                                : strncmp(job->text, spec + 1, strlen(spec + 1)) == 0)
                best = job;
        } else {
            for (int k = 0; k < job->count; k++)
                if (job->part[k].pid == atoi(spec))
                    best = job;
        }
    }
    return best;
}

int builtin_jobs(int argc, char **argv)
{
    collect();
    for (int i = 0; i < 64; i++) {
        if (!jobs[i].number)
            continue;
        bool done = job_done(&jobs[i]);
        fflush(stderr);
        printf("[%d] %-12s %s\n", jobs[i].number,
               done ? "Done" : job_stopped(&jobs[i]) ? "Stopped" : "Running", jobs[i].text);
        if (done)
            job_free(&jobs[i]);
    }
    return 0;
}

static struct job *job_argument(int argc, char **argv)
{
    struct job *job = find_job(argc > 1 ? argv[1] : NULL);
    if (tty < 0)
        complain("no job control here");
    else if (!job)
        complain("%s: no such job", argc > 1 ? argv[1] : "current");
    return tty < 0 ? NULL : job;
}

static void job_continue(struct job *job)
{
    for (int k = 0; k < job->count; k++)
        job->part[k].stopped = false;
    kill(-job->group, SIGCONT);
}

int builtin_fg(int argc, char **argv)
{
    struct job *job = job_argument(argc, argv);
    if (!job)
        return 1;
    fprintf(stderr, "%s\n", job->text);
    job->background = false;
    tcsetpgrp(tty, job->group);
    job_continue(job);
    return job_wait(job);
}

int builtin_bg(int argc, char **argv)
{
    struct job *job = job_argument(argc, argv);
    if (!job)
        return 1;
    fprintf(stderr, "[%d] %s &\n", job->number, job->text);
    job->reported = true;
    job_continue(job);
    return 0;
}

static int wait_for(struct job *job)
{
    while (!job_done(job)) {
        int raw;
        pid_t pid = waitpid(-1, &raw, WUNTRACED);
        if (pid > 0)
            note(pid, raw);
        else if (errno == EINTR && sh.any_pending)
            for (int i = 1; i <= 64; i++) {
                if (sh.pending[i])
                    return 128 + i;
            }
        else if (errno != EINTR)
            break;
        else if (sh.interrupted)
            return 128 + SIGINT;
    }
    int status = status_of(last_status(job));
    job_free(job);
    return status;
}

int builtin_wait(int argc, char **argv)
{
    int status = 0;
    if (argc == 1) {
        for (int i = 0; i < 64; i++)
            if (jobs[i].number && !job_stopped(&jobs[i]) && (status = wait_for(&jobs[i])) > 128 &&
                (sh.any_pending || sh.interrupted))
                return status;
        return 0;
    }
    for (int i = 1; i < argc; i++) {
        struct job *job = find_job(argv[i]);
        status = job ? wait_for(job) : 127;
    }
    return status;
}

/* kill, with %job for a process group; everything else is the program's business */
int builtin_kill(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        if (*argv[i] != '%')
            continue;
        struct job *job = find_job(argv[i]);
        if (!job) {
            complain("%s: no such job", argv[i]);
            return 1;
        }
        char *group = arena(16);
        snprintf(group, 16, tty >= 0 ? "-%d" : "%d", (int)(tty >= 0 ? job->group : job->part[0].pid));
        argv[i] = group;
    }
    return main_kill(argc, argv);
}
