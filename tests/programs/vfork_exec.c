/* vfork, execve: arguments, environment, closing, errors, scripts */
#include "t.h"

#include <sys/auxv.h>

extern char **environ;

static int run(const char *path, char **args, char **env)
{
    pid_t pid = fork();
    if (!pid) {
        execve(path, args, env);
        printf("execve: %s\n", error_name(errno));
        fflush(stdout);
        _exit(111);
    }
    int status = reap(pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

int main(int argc, char **argv)
{
    char self[4096];
    ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
    self[n > 0 ? n : 0] = 0;
    if (argc > 1 && strcmp(argv[1], "child") == 0) {
        for (int i = 2; i < argc; i++)
            printf("argument %s\n", argv[i]);
        for (char **e = environ; *e; e++)
            printf("environment %s\n", *e);
        if (argc > 2 && !strcmp(argv[2], "./script")) {
            char name[16] = "";
            prctl(PR_GET_NAME, name);
            printf("called %s, executed as %s\n", name, (char *)getauxval(AT_EXECFN));
        }
        yes("descriptor 10 open", fcntl(10, F_GETFD) >= 0);
        yes("descriptor 11 open", fcntl(11, F_GETFD) >= 0);
        struct sigaction action;
        sigaction(SIGUSR1, NULL, &action);
        yes("handler is default", action.sa_handler == SIG_DFL);
        sigaction(SIGUSR2, NULL, &action);
        yes("ignored stays ignored", action.sa_handler == SIG_IGN);
        sigset_t mask;
        sigprocmask(SIG_BLOCK, NULL, &mask);
        yes("mask is kept", sigismember(&mask, SIGHUP));
        return 17;
    }
    volatile int shared = 1;
    pid_t pid = vfork();
    if (!pid) {
        shared = 2;
        _exit(4);
    }
    show_status("vfork", reap(pid));
    printf("shared %d\n", shared);
    dup2(1, 10);
    dup2(1, 11);
    fcntl(11, F_SETFD, FD_CLOEXEC);
    signal(SIGUSR1, (void (*)(int))main);
    signal(SIGUSR2, SIG_IGN);
    sigset_t mask;
    sigemptyset(&mask);
    sigaddset(&mask, SIGHUP);
    sigprocmask(SIG_BLOCK, &mask, NULL);
    char *env[] = {"A=1", "B=two words", NULL};
    char *args[] = {"name", "child", "x y", "", NULL};
    show("status", run(self, args, env));
    char *plain[] = {"x", NULL};
    show("missing", run("/nonexistent/file", plain, env));
    show("folder", run("/", plain, env));
    make_file("noexec", "text");
    show("no permission bit", run("./noexec", plain, env));
    chmod("noexec", 0755);
    show("not a program", run("./noexec", plain, env));
    make_file("empty", "");
    chmod("empty", 0755);
    show("empty file", run("./empty", plain, env));
    make_file("x", "#!/nonexistent/interpreter\n");
    chmod("x", 0755);
    show("missing interpreter", run("./x", plain, env));
    show("path through a file", run("noexec/x", plain, env));
    char script[4200];
    snprintf(script, sizeof script, "#!%s child\n", self);
    make_file("script", script);
    chmod("script", 0755);
    char *more[] = {"ignored", "given", NULL};
    if (strlen(self) < 200)
        show("script", run("./script", more, env));
    return 0;
}
