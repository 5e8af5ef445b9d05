/* A library with thread-local variables, one of them hidden. */
__thread long lib_own = 41;
static __thread char lib_hidden[24] = "hidden";

void *lib_address(int which)
{
    return which ? (void *)lib_hidden : (void *)&lib_own;
}

void lib_change(long by)
{
    lib_own += by;
    lib_hidden[0] = 'H';
}
