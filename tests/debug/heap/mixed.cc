// Blocks of operator new, released by the right and the wrong functions, and ones that do not exist.
#include <cstdlib>
#include <new>
#include <string>

struct Node {
    virtual ~Node() = default;
    Node *next = nullptr;
    char payload[100];
};

Node *volatile kept;
char *volatile middle;

__attribute__((noinline)) static void lose()
{
    Node *volatile node = new Node;
    node->next = new Node;
    node = nullptr;
}

__attribute__((noinline)) static void mix()
{
    char *volatile array = new char[70];
    std::free(array);
    int *volatile number = static_cast<int *>(std::malloc(sizeof(int)));
    ::operator delete(number);
}

volatile size_t huge = size_t(1) << 46;

__attribute__((noinline)) static void too_much()
{
    for (int i = 0; i < 3; i++) {
        try {
            middle = new char[huge];
        } catch (const std::bad_alloc &) {
        }
    }
}

int main()
{
    lose();
    mix();
    too_much();
    kept = new Node;
    delete new Node;
    delete[] new Node[3];
    std::string text(500, 'x');
    return text.size() != 500;
}
