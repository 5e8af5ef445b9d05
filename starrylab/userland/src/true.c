/* true - do nothing, successfully */
#include "starry.h"

int main_true(int argc, char **argv)
{
    return 0;
}
