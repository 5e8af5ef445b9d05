/* false - do nothing, unsuccessfully */
#include "starry.h"

int main_false(int argc, char **argv)
{
    return 1;
}
