/* Landlock: rulesets and their errors, what a domain denies, and whom it reaches no more */
#include "../t.h"

#include <stddef.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/sysmacros.h>

#define CREATE_RULESET 444
#define ADD_RULE 445
#define RESTRICT_SELF 446
#define PATH_BENEATH 1
#define NET_PORT 2
#define TRY(call) show(#call, call)
enum {
    EXECUTE = 1, WRITE_FILE = 2, READ_FILE = 4, READ_DIR = 8, REMOVE_DIR = 16, REMOVE_FILE = 32, MAKE_CHAR = 64,
    MAKE_DIR = 128, MAKE_REG = 256, MAKE_SOCK = 512, MAKE_FIFO = 1024, MAKE_BLOCK = 2048, MAKE_SYM = 4096,
    REFER = 8192, TRUNCATE = 16384, IOCTL_DEV = 32768, EVERYTHING = 65535,
    ABSTRACT = 1, SIGNALS = 2,
};

struct ruleset { uint64_t files, network, scopes, more; };
struct __attribute__((packed)) beneath { uint64_t access; int32_t fd; };
struct port { uint64_t access, port; };

static int create(uint64_t files, uint64_t network, uint64_t scopes)
{
    struct ruleset rules = {files, network, scopes, 0};
    return syscall(CREATE_RULESET, &rules, 24, 0);
}

static int rule(int ruleset, uint64_t access, int fd)
{
    struct beneath about = {access, fd};
    return syscall(ADD_RULE, ruleset, PATH_BENEATH, &about, 0);
}

static int rule_at(int ruleset, uint64_t access, const char *path)
{
    int fd = open(path, O_PATH), result = rule(ruleset, access, fd);
    close(fd);
    return result;
}

static int restrict_self(int ruleset)
{
    int result = syscall(RESTRICT_SELF, ruleset, 0);
    close(ruleset);
    return result;
}

static void rulesets(void)
{
    struct ruleset rules = {READ_FILE, 0, 0, 0};
    struct port http = {1, 80}, far = {1, 70000}, none = {0, 80};
    struct beneath root = {READ_FILE, -1};
    int ends[2];
    char text[64] = "";
    printf("-- rulesets\n");
    TRY(syscall(CREATE_RULESET, NULL, 0, 1));
    TRY(syscall(CREATE_RULESET, NULL, 0, 2));
    TRY(syscall(CREATE_RULESET, NULL, 0, 3));
    TRY(syscall(CREATE_RULESET, NULL, 0, 4));
    TRY(syscall(CREATE_RULESET, &rules, 24, 1));
    TRY(syscall(CREATE_RULESET, NULL, 8, 1));
    TRY(syscall(CREATE_RULESET, NULL, 0, 0));
    TRY(syscall(CREATE_RULESET, NULL, 8, 0));
    TRY(syscall(CREATE_RULESET, &rules, 7, 0));
    TRY(syscall(CREATE_RULESET, &rules, 5000, 0));
    TRY(syscall(CREATE_RULESET, (void *)8, 24, 0));
    ok("of 8 bytes", syscall(CREATE_RULESET, &rules, 8, 0));
    ok("of 12 bytes", syscall(CREATE_RULESET, &rules, 12, 0));
    ok("longer", syscall(CREATE_RULESET, &rules, 32, 0));
    rules.more = 1;
    TRY(syscall(CREATE_RULESET, &rules, 32, 0));
    TRY(create(0, 0, 0));
    TRY(create(1 << 16, 0, 0));
    TRY(create(0, 4, 0));
    TRY(create(0, 0, 4));
    int fd = create(READ_FILE | READ_DIR, 1, 0), file = open("d/file", O_RDONLY);
    pipe(ends);
    snprintf(text, sizeof text, "/proc/self/fd/%d", fd);
    text[readlink(text, text, sizeof text - 1)] = 0;
    printf("%s, %x, %x\n", text, fcntl(fd, F_GETFD), fcntl(fd, F_GETFL) & O_ACCMODE);
    TRY(read(fd, text, 1));
    TRY(write(fd, text, 1));
    root.fd = open("/", O_PATH);
    TRY(syscall(ADD_RULE, fd, PATH_BENEATH, &root, 1));
    TRY(syscall(ADD_RULE, fd, 3, &root, 0));
    TRY(syscall(ADD_RULE, 99, PATH_BENEATH, &root, 0));
    TRY(syscall(ADD_RULE, file, PATH_BENEATH, &root, 0));
    TRY(syscall(ADD_RULE, file, 3, &root, 0));
    TRY(syscall(ADD_RULE, fd, PATH_BENEATH, NULL, 0));
    TRY(rule(fd, 0, root.fd));
    TRY(rule(fd, WRITE_FILE, root.fd));
    TRY(rule(fd, READ_FILE, 99));
    TRY(rule(fd, READ_FILE, fd));
    TRY(rule(fd, READ_FILE, ends[0]));
    TRY(rule(fd, READ_FILE, syscall(SYS_memfd_create, "m", 0)));
    TRY(rule(fd, READ_FILE, open("/proc/self/ns/uts", O_RDONLY)));
    TRY(rule(fd, READ_DIR, file));
    TRY(rule(fd, READ_FILE, file));
    TRY(rule(fd, READ_FILE | READ_DIR, root.fd));
    TRY(syscall(ADD_RULE, fd, NET_PORT, &http, 0));
    TRY(syscall(ADD_RULE, fd, NET_PORT, &far, 0));
    TRY(syscall(ADD_RULE, fd, NET_PORT, &none, 0));
    http.access = 2;
    TRY(syscall(ADD_RULE, fd, NET_PORT, &http, 0));
    TRY(syscall(RESTRICT_SELF, fd, 8));
    TRY(syscall(RESTRICT_SELF, -1, 0));
    TRY(syscall(RESTRICT_SELF, -1, 4));
    TRY(syscall(RESTRICT_SELF, file, 0));
    TRY(syscall(RESTRICT_SELF, 99, 0));
    close(fd);
}

/* Everything that one may want to do with files. */
static void attempts(void)
{
    struct sockaddr_un name = {AF_UNIX, "d/socket"};
    int sock = socket(AF_UNIX, SOCK_STREAM, 0);
    ok("read", close(open("d/file", O_RDONLY)));
    ok("write", close(open("d/file", O_WRONLY)));
    ok("both", close(open("d/file", O_RDWR)));
    ok("neither", close(open("d/file", O_ACCMODE)));
    ok("truncate at opening", close(open("d/file", O_WRONLY | O_TRUNC)));
    ok("only truncate", close(open("d/file", O_RDONLY | O_TRUNC)));
    ok("path", close(open("d/file", O_PATH)));
    ok("list", close(open("d", O_RDONLY)));
    ok("list below", close(open("d/sub", O_RDONLY)));
    ok("list elsewhere", close(open("/", O_RDONLY)));
    ok("read elsewhere", close(open("other/file", O_RDONLY)));
    TRY(truncate("d/file", 3));
    int fd = open("d/file", O_WRONLY);
    TRY(ftruncate(fd, 3));
    close(fd);
    ok("create", close(open("d/new", O_CREAT | O_WRONLY, 0644)));
    TRY(access("d/new", F_OK));
    ok("nameless", close(open("d", O_TMPFILE | O_RDWR, 0644)));
    TRY(mkdir("d/newdir", 0755));
    TRY(symlink("a", "d/newlink"));
    TRY(mkfifo("d/newfifo", 0644));
    TRY(mknod("d/newdevice", S_IFCHR | 0600, makedev(1, 3)));
    TRY(mknod("d/newblock", S_IFBLK | 0600, makedev(7, 0)));
    TRY(bind(sock, (void *)&name, sizeof name));
    TRY(mkdir("d/sub", 0755));
    TRY(rename("d/file", "d/renamed"));
    TRY(rename("d/renamed", "d/file"));
    TRY(rename("d/file", "d/none/file"));
    TRY(rename("d/file", "d/sub/file"));
    TRY(rename("d/sub/file", "d/file"));
    TRY(rename("d/file", "other/moved"));
    TRY(rename("other/moved", "d/file"));
    TRY(rename("other/file", "d/taken"));
    TRY(rename("d/taken", "other/file"));
    TRY(syscall(SYS_renameat2, AT_FDCWD, "d/file", AT_FDCWD, "other/file", 2));
    TRY(syscall(SYS_renameat2, AT_FDCWD, "d/file", AT_FDCWD, "d/sub", 2));
    TRY(syscall(SYS_renameat2, AT_FDCWD, "d/file", AT_FDCWD, "d/sub", 2));
    TRY(link("d/file", "d/linked"));
    TRY(link("d/file", "d/sub/linked"));
    TRY(link("d/file", "other/linked"));
    TRY(link("other/file", "d/sub/linked2"));
    TRY(unlink("d/linked"));
    TRY(unlink("d/sub/linked"));
    TRY(unlink("d/sub/linked2"));
    TRY(unlink("other/linked"));
    TRY(unlink("d/new"));
    TRY(unlink("d/newfifo"));
    TRY(unlink("d/newlink"));
    TRY(unlink("d/socket"));
    TRY(unlink("d/newdevice"));
    TRY(unlink("d/newblock"));
    TRY(unlink("d/newdir"));
    TRY(rmdir("d/newdir"));
    TRY(rmdir("d/none"));
    TRY(chmod("d/file", 0644));
    TRY(access("other/file", W_OK));
    TRY(mount("none", "d/sub", "tmpfs", 0, NULL));
    TRY(umount("d/sub"));
    yes("new root", !syscall(SYS_pivot_root, "d", "d/sub") || errno != EPERM);
    close(sock);
}

static void clean(void)
{
    static const char *const files[] = {
        "d/file", "d/renamed", "d/sub/file", "other/moved", "other/file", "d/taken", "d/linked", "d/sub/linked",
        "other/linked", "d/sub/linked2", "d/new", "d/newfifo", "d/newlink", "d/socket", "d/newdevice", "d/newblock",
    };
    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        unlink(files[i]);
    rmdir("d/newdir");
    rmdir("d/sub");
    rmdir("d");
    rmdir("other");
}

struct grant { const char *path; uint64_t access; };

/* Restrict a child, let it try, and clean up. */
static void domain(const char *title, uint64_t handled, const struct grant *grants, int layers)
{
    printf("-- %s\n", title);
    fflush(stdout);
    mkdir("d", 0755);
    mkdir("d/sub", 0755);
    mkdir("other", 0755);
    make_file("d/file", "text");
    make_file("other/file", "text");
    pid_t child = fork();
    if (!child) {
        for (int layer = 0; layer < layers; layer++) {
            int rules = create(handled, 0, 0);
            for (; grants->path; grants++)
                rule_at(rules, grants->access, grants->path);
            grants++;
            ok("restrict", restrict_self(rules));
        }
        attempts();
        exit(0);
    }
    show_status("child", reap(child));
    clean();
}

#define END {NULL, 0}

static void domains(void)
{
    domain("nothing", EVERYTHING, (struct grant[]){END}, 1);
    domain("all", EVERYTHING, (struct grant[]){{"/", EVERYTHING}, END}, 1);
    domain("a folder", EVERYTHING, (struct grant[]){{"d", EVERYTHING}, END}, 1);
    domain("a folder without moves", EVERYTHING & ~REFER, (struct grant[]){{"d", EVERYTHING & ~REFER}, END}, 1);
    domain("reading", EVERYTHING,
           (struct grant[]){{".", READ_FILE | READ_DIR | EXECUTE}, {"d/sub", EVERYTHING}, END}, 1);
    domain("one file", EVERYTHING, (struct grant[]){{"d/file", READ_FILE | WRITE_FILE | TRUNCATE}, END}, 1);
    domain("only writing", WRITE_FILE, (struct grant[]){{"other", WRITE_FILE}, END}, 1);
    domain("no removal", REMOVE_FILE | REMOVE_DIR | REFER, (struct grant[]){{"/", REFER}, END}, 1);
    domain("moves", EVERYTHING, (struct grant[]){{"/", EVERYTHING & ~WRITE_FILE}, {"other", WRITE_FILE}, END}, 1);
    domain("moves back", EVERYTHING, (struct grant[]){{"/", EVERYTHING & ~WRITE_FILE}, {"d", WRITE_FILE}, END}, 1);
    domain("moves from one file", EVERYTHING,
           (struct grant[]){{"/", EVERYTHING & ~WRITE_FILE}, {"d/file", WRITE_FILE}, {"other", WRITE_FILE}, END}, 1);
    domain("two layers", EVERYTHING,
           (struct grant[]){{"/", EVERYTHING & ~MAKE_DIR}, END, {"d", EVERYTHING}, {"other", READ_FILE}, END}, 2);
    domain("scopes only", 0, (struct grant[]){END}, 1);
    domain("devices", MAKE_CHAR | MAKE_BLOCK | MAKE_FIFO | MAKE_SOCK | MAKE_SYM | MAKE_REG,
           (struct grant[]){{"d", MAKE_REG}, END}, 1);
}

/* What only a child may do, so that the next starts anew. */
static void child(const char *title, void (*run)(void))
{
    printf("-- %s\n", title);
    fflush(stdout);
    pid_t pid = fork();
    if (!pid) {
        run();
        exit(0);
    }
    show_status("child", reap(pid));
}

static void layers(void)
{
    int i;
    for (i = 0; i < 20; i++)
        if (restrict_self(create(MAKE_BLOCK, 0, 0)))
            break;
    printf("%d %s\n", i, error_name(errno));
}

static void privileges(void)
{
    int rules = create(MAKE_BLOCK, 0, 0);
    setresuid(1000, 1000, 1000);
    TRY(syscall(RESTRICT_SELF, rules, 0));
    TRY(syscall(RESTRICT_SELF, 99, 9));
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    TRY(syscall(RESTRICT_SELF, rules, 0));
}

static void descriptors(void)
{
    make_file("open", "text");
    make_file("later", "text");
    int before = open("open", O_RDWR), null = open("/dev/null", O_RDONLY), terminal = open("/dev/ptmx", O_RDWR);
    int rules = create(EVERYTHING, 0, 0), ends[2], size = 0;
    rule_at(rules, EVERYTHING & ~(TRUNCATE | IOCTL_DEV), "/");
    ok("restrict", restrict_self(rules));
    int after = open("later", O_RDWR), limited = open("/dev/ptmx", O_RDWR);
    TRY(ftruncate(before, 1));
    TRY(ftruncate(after, 1));
    TRY(fallocate(after, 0, 0, 10));
    TRY(ioctl(terminal, TIOCGPTN, &size) ? -1 : 0);
    TRY(ioctl(limited, TIOCGPTN, &size));
    TRY(ioctl(limited, FIONREAD, &size));
    TRY(ioctl(limited, FIOCLEX));
    TRY(ioctl(limited, FIONBIO, &size));
    TRY(ioctl(after, FIONREAD, &size));
    TRY(ioctl(null, FIONREAD, &size));
    pipe(ends);
    char path[32];
    snprintf(path, sizeof path, "/proc/self/fd/%d", ends[0]);
    ok("a pipe again", close(open(path, O_RDONLY | O_NONBLOCK)));
    ok("restrict more", restrict_self(create(EVERYTHING, 0, 0)));
    ok("a pipe again", close(open(path, O_RDONLY | O_NONBLOCK)));
    int memory = syscall(SYS_memfd_create, "m", 0);
    snprintf(path, sizeof path, "/proc/self/fd/%d", memory);
    ok("memory again", close(open(path, O_RDWR)));
    TRY(ftruncate(memory, 10));
    snprintf(path, sizeof path, "/proc/self/fd/%d", before);
    ok("a file again", close(open(path, O_RDWR)));
    TRY(ftruncate(before, 2));
    TRY(write(after, "x", 1));
}

static void programs(void)
{
    static const uint64_t granted[] = {0, EXECUTE, READ_FILE, EXECUTE | READ_FILE};
    for (int i = 0; i < 4; i++) {
        pid_t pid = fork();
        if (!pid) {
            int rules = create(EXECUTE | READ_FILE, 0, 0), self = open("/proc/self/exe", O_PATH);
            if (granted[i])
                rule(rules, granted[i], self);
            restrict_self(rules);
            char *arguments[] = {"again", "exit", NULL}, *none[] = {NULL};
            syscall(SYS_execveat, self, "", arguments, none, AT_EMPTY_PATH);
            ok("execute", -1);
            exit(0);
        }
        show_status("program", reap(pid));
    }
}

static pid_t sleeper(void)
{
    pid_t pid = fork();
    if (!pid) {
        prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
        for (;;)
            pause();
    }
    return pid;
}

static void end(pid_t pid)
{
    kill(pid, SIGKILL);
    reap(pid);
}

static pid_t outside;

static void signals(void)
{
    ok("restrict", restrict_self(create(0, 0, SIGNALS)));
    pid_t after = sleeper();
    TRY(kill(outside, 0));
    TRY(kill(outside, SIGCONT));
    TRY(kill(after, 0));
    TRY(kill(getpid(), 0));
    TRY(syscall(SYS_tgkill, getpid(), getpid(), 0));
    TRY(kill(getppid(), 0));
    end(after);
    ok("again", restrict_self(create(MAKE_BLOCK, 0, 0)));
    after = sleeper();
    TRY(kill(after, 0));
    TRY(kill(outside, 0));
    end(after);
}

static void tracing(void)
{
    pid_t before = sleeper();
    ok("restrict", restrict_self(create(MAKE_BLOCK, 0, 0)));
    pid_t after = sleeper();
    TRY(ptrace(PTRACE_ATTACH, before, NULL, NULL));
    TRY(ptrace(PTRACE_ATTACH, after, NULL, NULL));
    waitpid(after, NULL, 0);
    char path[32];
    char program[256];
    snprintf(path, sizeof path, "/proc/%d/exe", before);
    ok("look", readlink(path, program, sizeof program));
    snprintf(path, sizeof path, "/proc/%d/exe", after);
    ok("look", readlink(path, program, sizeof program));
    TRY(syscall(SYS_process_vm_readv, before, NULL, 0, NULL, 0, 0));
    struct iovec local = {path, 1}, remote = {path, 1};
    TRY(syscall(SYS_process_vm_readv, before, &local, 1, &remote, 1, 0));
    TRY(syscall(SYS_process_vm_readv, after, &local, 1, &remote, 1, 0));
    end(before);
    end(after);
    pid_t nested = fork();
    if (!nested) {
        restrict_self(create(MAKE_BLOCK, 0, 0));
        TRY(ptrace(PTRACE_TRACEME, 0, NULL, NULL));
        exit(0);
    }
    reap(nested);
}

static int named(const char *name, int type, bool bound)
{
    struct sockaddr_un address = {AF_UNIX, ""};
    strcpy(address.sun_path + 1, name);
    int fd = socket(AF_UNIX, type, 0), size = offsetof(struct sockaddr_un, sun_path) + 1 + strlen(name);
    if ((bound ? bind : connect)(fd, (void *)&address, size))
        return -1;
    if (bound && type == SOCK_STREAM)
        listen(fd, 5);
    return fd;
}

static void sockets(void)
{
    struct sockaddr_un address = {AF_UNIX, "\0datagrams"};
    int size = offsetof(struct sockaddr_un, sun_path) + 10;
    int connected = named("datagrams", SOCK_DGRAM, false), loose = socket(AF_UNIX, SOCK_DGRAM, 0);
    ok("restrict", restrict_self(create(0, 0, ABSTRACT)));
    ok("stream", named("stream", SOCK_STREAM, false));
    ok("datagrams", named("datagrams", SOCK_DGRAM, false));
    TRY(sendto(loose, "x", 1, 0, (void *)&address, size));
    TRY(send(connected, "x", 1, 0));
    TRY(sendto(connected, "x", 1, 0, (void *)&address, size));
    ok("nobody", named("nobody", SOCK_STREAM, false));
    ok("own", named("own", SOCK_STREAM, true));
    ok("own", named("own", SOCK_STREAM, false));
    pid_t pid = fork();
    if (!pid) {
        ok("restrict", restrict_self(create(0, 0, ABSTRACT)));
        ok("the parent's", named("own", SOCK_STREAM, false));
        ok("inner", named("inner", SOCK_DGRAM, true));
        kill(getpid(), SIGSTOP);
        exit(0);
    }
    waitpid(pid, NULL, WUNTRACED);
    ok("the child's", named("inner", SOCK_DGRAM, false));
    kill(pid, SIGCONT);
    reap(pid);
}

int main(int count, char **arguments)
{
    (void)arguments;
    if (count > 1)
        return 7;
    mkdir("d", 0755);
    make_file("d/file", "");
    rulesets();
    clean();
    domains();
    child("layers", layers);
    child("privileges", privileges);
    child("descriptors", descriptors);
    child("programs", programs);
    outside = sleeper();
    child("signals", signals);
    end(outside);
    child("tracing", tracing);
    int stream = named("stream", SOCK_STREAM, true), datagrams = named("datagrams", SOCK_DGRAM, true);
    child("sockets", sockets);
    close(stream);
    close(datagrams);
    return 0;
}
