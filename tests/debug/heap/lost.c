/* Blocks of every fate, at places a test can name: the same source runs under valgrind on the host
 * and in the lab.  Prints nothing: stdio has blocks of its own. */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

struct node {
    struct node *next;
    char payload[40];
};

void *kept;        /* still reachable */
char *middle;      /* possibly lost: only a pointer into it is left */
struct node *list; /* a reachable chain */

#define NOINLINE __attribute__((noinline))

NOINLINE static struct node *make(struct node *next)
{
    struct node *node = malloc(sizeof *node);
    memset(node, 0, sizeof *node);
    node->next = next;
    return node;
}

NOINLINE static void lose_simply(void)
{
    for (int i = 0; i < 5; i++)
        memset(malloc(100 + i), 0xa5, 100 + i);
}

NOINLINE static void lose_chain(void)
{
    struct node *chain = 0;
    for (int i = 0; i < 4; i++)
        chain = make(chain);
}

NOINLINE static void lose_ring(void)
{
    struct node *first = make(0);
    first->next = make(make(first));
}

NOINLINE static void keep(void)
{
    kept = calloc(3, 24);
    for (int i = 0; i < 6; i++)
        list = make(list);
}

NOINLINE static void keep_middle(void)
{
    middle = calloc(1, 200);
    middle += 64;
}

NOINLINE static void grow(void)
{
    char *text = malloc(10);
    for (int size = 20; size < 200000; size *= 3)
        text = realloc(text, size);
    memset(text, 2, 20);
}

NOINLINE static void shrink_and_free(void)
{
    free(realloc(malloc(5000), 50));
    free(realloc(NULL, 77));
    free(NULL);
}

NOINLINE static void strings(void)
{
    char *copy = strdup("a string that is lost");
    copy[0] = 'A';
    free(strdup("one that is not"));
}

NOINLINE static void aligned(void)
{
    void *block;
    if (posix_memalign(&block, 256, 333))
        _exit(9);
    memset(block, 3, 333);
    memset(aligned_alloc(64, 128), 4, 128);
}

NOINLINE static void large(void)
{
    memset(malloc(200 << 10), 5, 100);
}

static void *in_thread(void *argument)
{
    memset(malloc(61), 6, 61);
    free(malloc(62));
    return argument;
}

NOINLINE static void threads(void)
{
    pthread_t thread[3];
    for (int i = 0; i < 3; i++)
        pthread_create(&thread[i], 0, in_thread, 0);
    for (int i = 0; i < 3; i++)
        pthread_join(thread[i], 0);
}

/* Overwrites what the functions above left on the stack and in registers. */
NOINLINE static void scrub(void)
{
    volatile char old[4096];
    for (unsigned i = 0; i < sizeof old; i++)
        old[i] = 0;
}

int main(void)
{
    lose_simply();
    lose_chain();
    lose_ring();
    keep();
    keep_middle();
    grow();
    shrink_and_free();
    strings();
    aligned();
    large();
    threads();
    scrub();
    return 0;
}
