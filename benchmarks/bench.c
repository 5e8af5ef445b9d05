/* One workload per run: bench NAME COUNT [command...]. Prints "R NAME COUNT SECONDS CHECK".
 *
 * Each row measures one thing that a kernel or its machine does, by asking for it COUNT times and
 * checking that it was really done. BENCH_FILE names the file that file rows use.
 */
#define _GNU_SOURCE
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static const char *file = "/tmp/bench.tmp";
static char **command;
static long n;              /* how often */
static double elapsed;      /* seconds of the measured part */
static double units;        /* what is counted, if not n */
static unsigned long check; /* proof that the work was done */

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec + t.tv_nsec * 1e-9;
}

static void need(int condition, const char *what)
{
    if (condition)
        return;
    dprintf(2, "bench: %s: %s\n", what, strerror(errno));
    _exit(3);
}

#define MEASURE(work)              \
    do {                           \
        double start = now();      \
        for (long i = 0; i < n; i++) \
            work;                  \
        elapsed = now() - start;   \
    } while (0)

/* --- system calls ------------------------------------------------------------------------ */

static void row_getppid(void)
{
    MEASURE(check += syscall(SYS_getppid) >= 0);
}

static void row_clock(void)
{
    struct timespec t;
    MEASURE(clock_gettime(CLOCK_REALTIME, &t));
}

/* The clock as glibc reads it: by the vDSO, where there is one. musl does so on other CPUs only. */
typedef int (*clock_function)(clockid_t, struct timespec *);

static clock_function find_clock(void)
{
    const char *base = (const char *)getauxval(AT_SYSINFO_EHDR);
    if (!base)
        return clock_gettime;
    const Elf64_Ehdr *header = (const void *)base;
    const Elf64_Phdr *segment = (const void *)(base + header->e_phoff);
    const Elf64_Sym *symbols = NULL;
    const char *names = NULL;
    unsigned count = 0;
    while (segment->p_type != PT_DYNAMIC)
        segment++;
    for (const Elf64_Dyn *d = (const void *)(base + segment->p_vaddr); d->d_tag != DT_NULL; d++) {
        const char *at = base + d->d_un.d_ptr;
        if (d->d_tag == DT_SYMTAB)
            symbols = (const void *)at;
        if (d->d_tag == DT_STRTAB)
            names = at;
        if (d->d_tag == DT_HASH)
            count = ((const Elf64_Word *)at)[1];
    }
    for (unsigned i = 1; i < count; i++)
        if (strcmp(names + symbols[i].st_name, "__vdso_clock_gettime") == 0)
            return (clock_function)(base + symbols[i].st_value);
    return clock_gettime;
}

static void row_vdso(void)
{
    struct timespec t;
    clock_function clock = find_clock();
    MEASURE(clock(CLOCK_MONOTONIC, &t));
    check = t.tv_sec > 0;
}

static void row_yield(void)
{
    MEASURE(sched_yield());
}

static void row_wnull(void)
{
    int fd = open("/dev/null", O_WRONLY);
    need(fd >= 0, "/dev/null");
    MEASURE(need(write(fd, "x", 1) == 1, "write"));
}

static void make_file(void)
{
    int fd = open(file, O_CREAT | O_RDWR | O_TRUNC, 0600);
    need(fd >= 0 && write(fd, "hello", 5) == 5, file);
    close(fd);
}

static void open_close(void)
{
    char buffer[8];
    int fd = open(file, O_RDONLY);
    need(fd >= 0 && read(fd, buffer, 4) == 4, file);
    close(fd);
}

static void row_openclose(void)
{
    make_file();
    MEASURE(open_close());
    unlink(file);
}

static void row_stat(void)
{
    struct stat st;
    make_file();
    MEASURE(need(stat(file, &st) == 0, "stat"));
    unlink(file);
}

/* --- processes and threads ---------------------------------------------------------------- */

static void fork_once(void)
{
    int status;
    pid_t pid = fork();
    need(pid >= 0, "fork");
    if (pid == 0)
        _exit(7);
    need(waitpid(pid, &status, 0) == pid && WEXITSTATUS(status) == 7, "wait");
}

static void row_fork(void)
{
    MEASURE(fork_once());
}

static void exec_once(void)
{
    int status;
    pid_t pid = fork();
    need(pid >= 0, "fork");
    if (pid == 0) {
        execv(command[0], command);
        _exit(99);
    }
    need(waitpid(pid, &status, 0) == pid && status == 0, "exec");
}

static void row_forkexec(void)
{
    MEASURE(exec_once());
}

static void *nothing(void *argument)
{
    return argument;
}

static void thread_once(void)
{
    pthread_t thread;
    need((errno = pthread_create(&thread, NULL, nothing, NULL)) == 0, "pthread_create");
    pthread_join(thread, NULL);
}

static void row_thread(void)
{
    MEASURE(thread_once());
}

static int words[2];

static long futex(int *word, int op, int value)
{
    return syscall(SYS_futex, word, op | FUTEX_PRIVATE_FLAG, value, NULL, NULL, 0);
}

static void pass(int mine, int other)
{
    while (!__atomic_load_n(&words[mine], __ATOMIC_ACQUIRE))
        futex(&words[mine], FUTEX_WAIT, 0);
    __atomic_store_n(&words[mine], 0, __ATOMIC_RELEASE);
    __atomic_store_n(&words[other], 1, __ATOMIC_RELEASE);
    futex(&words[other], FUTEX_WAKE, 1);
}

static void *pass_back(void *argument)
{
    for (long i = 0; i < n; i++)
        pass(1, 0);
    return argument;
}

static void row_futex(void)
{
    pthread_t thread;
    words[0] = 1;
    need((errno = pthread_create(&thread, NULL, pass_back, NULL)) == 0, "pthread_create");
    MEASURE(pass(0, 1));
    pthread_join(thread, NULL);
}

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static long turn;

static void *take_turns(void *argument)
{
    for (long i = 0; i < n; i++) {
        pthread_mutex_lock(&lock);
        while (turn != (long)argument)
            pthread_cond_wait(&changed, &lock);
        turn = !turn;
        pthread_cond_signal(&changed);
        pthread_mutex_unlock(&lock);
    }
    return NULL;
}

static void row_mutex(void)
{
    pthread_t thread;
    need((errno = pthread_create(&thread, NULL, take_turns, (void *)1L)) == 0, "pthread_create");
    double start = now();
    take_turns(NULL);
    pthread_join(thread, NULL);
    elapsed = now() - start;
}

/* --- communication ------------------------------------------------------------------------ */

static void round_trip(int out, int in)
{
    char byte = 'a';
    need(write(out, &byte, 1) == 1 && read(in, &byte, 1) == 1, "round trip");
}

static void echo_process(int in, int out)
{
    char byte;
    pid_t pid = fork();
    need(pid >= 0, "fork");
    if (pid)
        return;
    for (long i = 0; i < n; i++)
        need(read(in, &byte, 1) == 1 && write(out, &byte, 1) == 1, "echo");
    _exit(0);
}

static void row_pingpong(void)
{
    int there[2], back[2];
    need(pipe(there) == 0 && pipe(back) == 0, "pipe");
    echo_process(there[0], back[1]);
    MEASURE(round_trip(there[1], back[0]));
    wait(NULL);
}

static void row_sockpp(void)
{
    int ends[2];
    need(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0, "socketpair");
    echo_process(ends[1], ends[1]);
    MEASURE(round_trip(ends[0], ends[0]));
    wait(NULL);
}

static char block[65536];

static void row_pipebw(void) /* n MiB */
{
    int ends[2];
    long total = n << 20, got = 0;
    need(pipe(ends) == 0, "pipe");
    pid_t pid = fork();
    need(pid >= 0, "fork");
    if (pid == 0) {
        for (long left = total; left > 0;) {
            ssize_t put = write(ends[1], block, sizeof block);
            need(put > 0, "write");
            left -= put;
        }
        _exit(0);
    }
    close(ends[1]);
    double start = now();
    while (got < total) {
        ssize_t size = read(ends[0], block, sizeof block);
        need(size > 0, "read");
        got += size;
    }
    elapsed = now() - start;
    wait(NULL);
}

/* --- files: n MiB, in a file of 16 MiB ----------------------------------------------------- */

static void row_fwrite(void)
{
    int fd = open(file, O_CREAT | O_RDWR | O_TRUNC, 0600);
    need(fd >= 0, file);
    double start = now();
    for (long i = 0; i < n * 16; i++) {
        if (i % 256 == 0)
            need(lseek(fd, 0, SEEK_SET) == 0 && ftruncate(fd, 0) == 0, "ftruncate");
        need(write(fd, block, sizeof block) == sizeof block, "write");
    }
    elapsed = now() - start;
    unlink(file);
}

static void row_fread(void)
{
    int fd = open(file, O_CREAT | O_RDWR | O_TRUNC, 0600);
    need(fd >= 0, file);
    for (int i = 0; i < 256; i++)
        need(write(fd, block, sizeof block) == sizeof block, "write");
    double start = now();
    for (long i = 0; i < n * 16; i++) {
        if (i % 256 == 0)
            need(lseek(fd, 0, SEEK_SET) == 0, "lseek");
        need(read(fd, block, sizeof block) == sizeof block, "read");
    }
    elapsed = now() - start;
    unlink(file);
}

/* --- memory -------------------------------------------------------------------------------- */

static char *map(long size, int protection)
{
    char *memory = mmap(NULL, size, protection, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    need(memory != MAP_FAILED, "mmap");
    return memory;
}

static char *map_small_pages(long size)
{
    char *memory = map(size, PROT_READ | PROT_WRITE);
    madvise(memory, size, MADV_NOHUGEPAGE);
    return memory;
}

static void row_fault(void) /* n MiB */
{
    long size = n << 20;
    double start = now();
    char *memory = map_small_pages(size);
    for (long i = 0; i < size; i += 4096)
        memory[i] = 1;
    elapsed = now() - start;
    units = size / 4096;
    for (long i = 0; i < size; i += 4096)
        check += memory[i];
}

static void row_cow(void) /* n MiB */
{
    long size = n << 20;
    int ends[2];
    char *memory = map_small_pages(size);
    memset(memory, 1, size);
    need(pipe(ends) == 0, "pipe");
    pid_t pid = fork();
    need(pid >= 0, "fork");
    if (pid == 0) {
        double start = now();
        for (long i = 0; i < size; i += 4096)
            memory[i] = 2;
        elapsed = now() - start;
        need(write(ends[1], &elapsed, sizeof elapsed) == sizeof elapsed, "write");
        _exit(0);
    }
    need(read(ends[0], &elapsed, sizeof elapsed) == sizeof elapsed, "read");
    wait(NULL);
    for (long i = 0; i < size; i += 4096)
        need(memory[i] == 1, "the child wrote into its parent's memory");
    units = size / 4096;
}

static void row_mmap(void)
{
    MEASURE(need(munmap(map(65536, PROT_READ | PROT_WRITE), 65536) == 0, "munmap"));
}

static void touch_once(void)
{
    volatile char *memory = map(65536, PROT_READ | PROT_WRITE);
    *memory = 1;
    need(munmap((void *)memory, 65536) == 0, "munmap");
}

static void row_mmaptouch(void)
{
    MEASURE(touch_once());
}

/* --- signals ------------------------------------------------------------------------------- */

static volatile long hits;
static volatile char *guarded;

static void on_signal(int number)
{
    hits++;
}

static void on_fault(int number, siginfo_t *info, void *context)
{
    hits++;
    mprotect((void *)guarded, 4096, PROT_READ | PROT_WRITE);
}

static void row_signal(void)
{
    pid_t me = getpid();
    signal(SIGUSR1, on_signal);
    MEASURE(kill(me, SIGUSR1));
    need(hits == n, "signals were lost");
}

static void row_segv(void)
{
    struct sigaction action = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO};
    sigaction(SIGSEGV, &action, NULL);
    guarded = map(4096, PROT_READ);
    MEASURE((mprotect((void *)guarded, 4096, PROT_READ), guarded[8] = (char)i));
    need(hits == n, "faults were lost");
}

/* --- computing ----------------------------------------------------------------------------- */

static __attribute__((noinline)) long fib(long k)
{
    return k < 2 ? k : fib(k - 1) + fib(k - 2);
}

static void row_fib(void)
{
    volatile long k = 30;
    MEASURE(check = fib(k));
}

static void sieve_once(void)
{
    static uint8_t prime[1000001];
    check = 0;
    memset(prime, 1, sizeof prime);
    for (long i = 2; i <= 1000000; i++) {
        if (!prime[i])
            continue;
        check++;
        for (long k = i * i; k <= 1000000; k += i)
            prime[k] = 0;
    }
}

static void row_sieve(void)
{
    MEASURE(sieve_once());
}

static void row_fnv(void) /* n million */
{
    uint64_t hash = 1469598103934665603u;
    double start = now();
    for (long i = 0; i < n * 1000000; i++)
        hash = (hash ^ i) * 1099511628211u;
    elapsed = now() - start;
    check = hash & 0xffffff;
}

static void row_dbl(void) /* n million */
{
    double sum = 0;
    double start = now();
    for (long i = 1; i <= n * 1000000; i++)
        sum += 1.0 / i;
    elapsed = now() - start;
    check = sum * 1000;
}

static double left[96][96], right[96][96], product[96][96];

static void matmul_once(long turn_number)
{
    for (int i = 0; i < 96; i++)
        for (int j = 0; j < 96; j++) {
            double sum = turn_number;
            for (int k = 0; k < 96; k++)
                sum += left[i][k] * right[k][j];
            product[i][j] = sum;
        }
}

static void row_matmul(void)
{
    for (int i = 0; i < 96; i++)
        for (int j = 0; j < 96; j++) {
            left[i][j] = i + j;
            right[i][j] = i - j;
        }
    MEASURE(matmul_once(i));
    check = (unsigned long)(long)product[3][4] & 0xffff;
}

static int compare(const void *a, const void *b)
{
    int x = *(const int *)a, y = *(const int *)b;
    return (x > y) - (x < y);
}

static void qsort_once(uint32_t seed)
{
    static int numbers[100000];
    for (int i = 0; i < 100000; i++)
        numbers[i] = seed = seed * 1664525 + 1013904223;
    qsort(numbers, 100000, sizeof *numbers, compare);
    check += numbers[50000] > numbers[0];
}

static void row_qsort(void)
{
    MEASURE(qsort_once(12345 + i));
}

static void row_memcpy(void) /* n times 16 MiB */
{
    long size = 16 << 20;
    char *from = malloc(size), *to = malloc(size);
    need(from && to, "malloc");
    memset(from, 1, size);
    memset(to, 2, size);
    double start = now();
    for (long i = 0; i < n; i++) {
        memcpy(to, from, size);
        __asm__ volatile("" ::: "memory");
        from[i]++;
    }
    elapsed = now() - start;
    units = n * 16;
    check = to[100];
}

static const struct {
    const char *name;
    void (*run)(void);
} rows[] = {
#define ROW(name) {#name, row_##name}
    ROW(getppid), ROW(clock), ROW(vdso), ROW(yield), ROW(wnull), ROW(openclose), ROW(stat), ROW(fork),
    ROW(forkexec), ROW(thread), ROW(futex), ROW(mutex), ROW(pingpong), ROW(sockpp), ROW(pipebw),
    ROW(fwrite), ROW(fread), ROW(fault), ROW(cow), ROW(mmap), ROW(mmaptouch), ROW(signal),
    ROW(segv), ROW(fib), ROW(sieve), ROW(fnv), ROW(dbl), ROW(matmul), ROW(qsort), ROW(memcpy),
};

int main(int argc, char **argv)
{
    if (argc == 1)
        return 0; /* what forkexec runs */
    static char *myself[] = {NULL, NULL};
    myself[0] = argv[0];
    command = argc > 3 ? argv + 3 : myself;
    n = argc > 2 ? atol(argv[2]) : 1000;
    if (getenv("BENCH_FILE"))
        file = getenv("BENCH_FILE");
    memset(block, 5, sizeof block);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (strcmp(rows[i].name, argv[1]) == 0) {
            rows[i].run();
            printf("R %s %.0f %.6f %lu\n", argv[1], units ? units : n, elapsed, check);
            return 0;
        }
    dprintf(2, "bench: no row named %s\n", argv[1]);
    return 2;
}
