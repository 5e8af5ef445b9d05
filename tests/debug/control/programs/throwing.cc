// Exceptions that leave the functions which are stepped over.
#include <cstdio>

struct Guard {
    int &count;
    ~Guard() { count++; } // destructor
};

static int unwound;

static int thrower(int n)
{
    Guard guard{unwound};
    if (n > 0)
        return thrower(n - 1) + 1;
    throw 7; // throw
}

static int caught_inside(int n)
{
    try {
        return thrower(n);
    } catch (int) {
        return -n; // caught below
    }
}

static int passes(int n)
{
    int before = unwound;
    int got = thrower(n); // leaves passes
    return before + got;
}

static int recursive(int n)
{
    try {
        if (n == 0)
            thrower(2);
        return recursive(n - 1); // deeper
    } catch (long) {
        return -1; // never
    }
}

int main()
{
    int sum = caught_inside(3); // first
    try {
        sum += passes(2); // second
    } catch (int value) {
        sum += value; // handler
    }
    try {
        sum += recursive(3); // third
    } catch (int value) {
        sum += value; // outer handler
    }
    printf("%d %d\n", sum, unwound); // end
    return 0;
}
