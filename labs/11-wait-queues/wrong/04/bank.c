// Lab 11: three clerks move money between three accounts, and sometimes none of them goes home.
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>

#define ACCOUNTS 3

struct account {
    pthread_mutex_t lock;
    int balance;
};

static struct account accounts[ACCOUNTS];
static int rounds = 200;

static void transfer(struct account *from, struct account *to, int amount)
{
    pthread_mutex_lock(&from->lock);
    sched_yield(); // other clerks work here, too
    pthread_mutex_lock(&to->lock);
    from->balance -= amount;
    to->balance += amount;
    pthread_mutex_unlock(&to->lock);
    pthread_mutex_unlock(&from->lock);
}

static void *clerk(void *argument)
{
    long n = (long)argument;
    for (int i = 0; i < rounds; i++)
        transfer(&accounts[n], &accounts[(n + 1) % ACCOUNTS], (int)n + 1);
    return NULL;
}

// usage: bank [ROUNDS]; prints the balances, one a line
int main(int argc, char **argv)
{
    pthread_t clerks[ACCOUNTS];
    pthread_mutexattr_t checked; // such a lock knows its owner, and so does the wait graph
    pthread_mutexattr_init(&checked);
    pthread_mutexattr_settype(&checked, PTHREAD_MUTEX_ERRORCHECK);
    if (argc > 1)
        rounds = atoi(argv[1]);
    for (int i = 0; i < ACCOUNTS; i++) {
        pthread_mutex_init(&accounts[i].lock, &checked);
        accounts[i].balance = 1000;
    }
    for (long i = 0; i < ACCOUNTS; i++)
        pthread_create(&clerks[i], NULL, clerk, (void *)i);
    for (int i = 0; i < ACCOUNTS; i++)
        pthread_join(clerks[i], NULL);
    for (int i = 0; i < ACCOUNTS; i++)
        printf("account %d: %d\n", i, accounts[i].balance);
    return 0;
}
