/* get_mempolicy: the default policy, the allowed nodes, the node of a page, errors */
#include "t.h"

static long get(int *mode, void *nodes, unsigned long bits, void *addr, unsigned long flags)
{
    return syscall(SYS_get_mempolicy, mode, nodes, bits, addr, flags);
}

int main(void)
{
    unsigned long nodes[16];
    int mode = 77;
    char here = 1;
    memset(nodes, 0xff, sizeof nodes);
    show("policy", get(&mode, nodes, 1024, NULL, 0));
    printf("mode %d nodes %lu\n", mode, nodes[0]);
    show("allowed", get(&mode, nodes, 1024, NULL, 4));
    printf("mode %d node 0 %lu\n", mode, nodes[0] & 1);
    show("of an address", get(&mode, NULL, 0, &here, 2));
    printf("mode %d\n", mode);
    mode = 77;
    show("node of a page", get(&mode, NULL, 0, &here, 3));
    yes("a node", mode >= 0 && mode < 64);
    show("nothing asked", get(NULL, NULL, 0, NULL, 0));
    show("no bits", get(&mode, nodes, 0, NULL, 0));
    show("address without flag", get(&mode, NULL, 0, &here, 0));
    show("node without address", get(&mode, NULL, 0, NULL, 1));
    show("flags", get(&mode, NULL, 0, NULL, 8));
    show("allowed of address", get(&mode, NULL, 0, &here, 6));
    show("nowhere", get(&mode, NULL, 0, (void *)16, 2));
    show("bad mode", get((void *)16, NULL, 0, NULL, 0));
    show("bad nodes", get(&mode, (void *)16, 1024, NULL, 0));
    return 0;
}
