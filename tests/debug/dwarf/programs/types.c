/* Every kind of C type; `stop` is where a debugger looks. */
#include <complex.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

enum colour { RED, GREEN = 5, BLUE };
enum access { READ = 1, WRITE = 2, EXEC = 4 }; enum mode { PLAIN = 1, WIDE = 6 };

struct point {
    int x, y;
};
struct bits {
    unsigned low : 3;
    int middle : 7;
    unsigned long high : 40;
    bool flag : 1;
    struct point where;
};
union number {
    uint32_t whole;
    float fraction;
    unsigned char bytes[4];
};
struct node {
    const char *name;
    struct node *next;
    union {
        int left;
        short right;
    };
    struct {
        char inner;
    } named;
    enum colour colour;
};
typedef int (*operation)(int, int);
typedef struct node node_t;
struct opaque;

int global_counter = 42;
static const char *const greeting = "hello, \"world\"\n";
static double table[2][3] = {{1, 2, 3}, {4, 5, 6.5}};
__thread int per_thread = 77;
struct opaque *handle;

/* Data and code that only the linker knows. */
__asm__(".pushsection .data\n.global raw_word\n.type raw_word, @object\n.size raw_word, 8\n"
        ".balign 8\nraw_word: .8byte 0x1122334455\n.popsection\n"
        ".pushsection .text\n.global raw_code\n.type raw_code, @function\nraw_code: nop\n"
        ".size raw_code, . - raw_code\n.popsection\n");

static int add(int a, int b) { return a + b; }

/* A system call that nothing else makes tells the test that the place is reached. */
__attribute__((noinline)) void stop(void)
{
    register long number __asm__("a7") = 173; /* getppid */
    register long result __asm__("a0");
    __asm__ volatile("ecall" : "=r"(result) : "r"(number) : "memory");
}

__attribute__((noinline)) int many(int argument, const char *text, struct point by_value,
                                   operation function)
{
    char small = 'a';
    signed char negative = -3;
    unsigned char byte = 200;
    short word = -12345;
    unsigned short uword = 54321;
    long wide = -1234567890123L;
    unsigned long long huge = 0xfedcba9876543210ULL;
    bool truth = true;
    float single = 1.5f;
    double twice = 3.14159265358979;
    double complex imaginary = 1.0 + 2.0 * I;
    enum colour colour = GREEN, odd = (enum colour)77;
    enum access access = READ | EXEC; enum mode mode = WIDE;
    int numbers[5] = {1, 2, 3, 4, 5};
    int zeros[100] = {0};
    char buffer[16] = "abc";
    char full[3] = {'x', 'y', 'z'};
    int grid[2][3] = {{1, 2, 3}, {4, 5, 6}};
    struct point corners[2] = {{1, 2}, {3, 4}};
    struct bits fields = {5, -9, 0x123456789aUL, true, {7, 8}};
    union number number = {.fraction = 1.0f};
    struct node tail = {"tail", NULL, {.left = 3}, {'t'}, BLUE};
    node_t head = {"head", &tail, {.left = -1}, {'h'}, RED};
    void *pointer = &head;
    int *null = NULL;
    int **indirect = &null;
    const volatile int constant = 9;
    int (*row)[3] = &grid[1];
    operation operations[2] = {add, NULL};
    int length = argument + 2;
    int variable[length];
    for (int i = 0; i < length; i++)
        variable[i] = i * i;
    {
        int argument = 1000;
        int wide = 2000;
        argument += wide;
        global_counter += argument;
        stop();
        (void)argument;
    }
    printf("%d %s %d %d %c %d %d %d %d %ld %llu %d %g %g %g %d %d %d %d %d %s %c %d %d %d %d %s %p "
           "%p %p %d %d %p %d %p\n",
           argument, text, by_value.x, function(1, 2), small, negative, byte, word, uword, wide,
           huge, truth, single, twice, creal(imaginary), colour, odd, access + mode, numbers[2], zeros[7],
           buffer, full[1], grid[1][1], corners[1].x, fields.middle, number.bytes[3],
           head.next->name, pointer, (void *)null, (void *)indirect, constant, (*row)[2],
           (void *)operations, variable[1], (void *)handle);
    return global_counter;
}

int main(void)
{
    per_thread++;
    printf("%s%g%d", greeting, table[1][2], per_thread);
    return many(3, "text", (struct point){10, -20}, add) & 1;
}
