// C++: classes, references, templates, and the containers that everybody uses.
#include <cstdio>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

// A system call that nothing else makes tells the test that the place is reached.
extern "C" __attribute__((noinline)) void stop()
{
    register long number __asm__("a7") = 173; // getppid
    register long result __asm__("a0");
    __asm__ volatile("ecall" : "=r"(result) : "r"(number) : "memory");
}

namespace shapes {
enum class Kind : unsigned char { Round, Square = 7 };
struct Base {
    virtual ~Base() = default;
    virtual double area() const { return 0; }
    int id = 3;
};
struct Named {
    const char *label = "named";
};
struct Circle : Base, Named {
    double radius = 2.5;
    Kind kind = Kind::Square;
    static int count;
    static constexpr int corners = 0;
    __attribute__((noinline)) double grow(double by)
    {
        radius += by;
        stop();
        return radius;
    }
    double area() const override { return radius * radius; }
};
int Circle::count = 11;
struct Left : virtual Base {
    int left = 1;
};
struct Right : virtual Base {
    int right = 2;
};
struct Both : Left, Right {
    int both = 4;
};
template <typename T, int N> struct Buffer {
    T items[N];
    T &front() { return items[0]; }
};
} // namespace shapes

namespace {
int hidden = 5;
}

__attribute__((noinline)) int containers(std::string &&moved, const std::vector<int> &numbers)
{
    std::string small = "short", empty, large(100, 'x');
    std::string_view view = "viewed";
    std::vector<std::string> words = {"one", "two"};
    std::map<int, std::string> map = {{2, "two"}, {1, "one"}, {3, "three"}};
    std::set<char> set = {'b', 'a'};
    std::unordered_map<int, int> hash = {{5, 50}};
    std::unique_ptr<int> unique = std::make_unique<int>(9);
    std::shared_ptr<int> shared = std::make_shared<int>(8);
    std::pair<int, double> pair = {1, 2.5};
    shapes::Both both;
    shapes::Buffer<short, 3> buffer = {{7, 8, 9}};
    short &reference = buffer.front();
    int shapes::Both::*member = &shapes::Both::both;
    auto lambda = [&pair, hidden = hidden](int x) { return x + hidden + pair.first; };
    stop();
    return static_cast<int>(moved.size() + numbers.size() + small.size() + empty.size() + large.size() +
                            view.size() + words.size() + map.size() + set.size() + hash.size() +
                            *unique + *shared) +
           reference + both.*member + lambda(1);
}

int main()
{
    shapes::Circle circle;
    std::printf("%g\n", circle.grow(1.5));
    return containers("moved", {1, 2, 3}) & shapes::Circle::count & 1;
}
