// Exceptions through several frames, templates, virtual functions, lambdas, the standard library.
#include <algorithm>
#include <functional>
#include <map>
#include <stdexcept>
#include <string>
#include <vector>

namespace shapes {

volatile unsigned long total;

struct Shape {
    virtual ~Shape() = default;
    virtual unsigned long area(unsigned long scale) const = 0;
};

template <int Sides> struct Polygon : Shape {
    [[gnu::noinline]] unsigned long area(unsigned long scale) const override
    {
        total += scale;
        if constexpr (Sides > 3)
            return Polygon<Sides - 1>().area(scale + Sides) + Sides;
        if (scale % 5 == 0)
            throw std::runtime_error("area of " + std::to_string(scale));
        return scale * Sides;
    }
};

template <typename T, typename F> [[gnu::noinline]] T fold(const std::vector<T> &items, F function)
{
    T sum{};
    for (const T &item : items)
        sum = function(sum, item);
    return sum;
}

struct Guard {
    ~Guard() { total += 1; }
};

[[gnu::noinline]] unsigned long guarded(const Shape &shape, unsigned long scale)
{
    Guard guard;
    return shape.area(scale);
}

} // namespace shapes

[[gnu::noinline]] unsigned long attempt(unsigned long n)
{
    using namespace shapes;
    try {
        return n & 1 ? guarded(Polygon<6>(), n) : guarded(Polygon<3>(), n);
    } catch (const std::exception &error) {
        return std::string(error.what()).size();
    }
}

[[gnu::noinline]] void containers(unsigned long n)
{
    std::vector<unsigned long> items;
    std::map<std::string, unsigned long> names;
    for (unsigned long i = 0; i < 12; i++) {
        items.push_back(i * n % 17);
        names[std::to_string(i * n % 7)] += i;
    }
    std::sort(items.begin(), items.end(), [](unsigned long a, unsigned long b) {
        shapes::total += a;
        return a < b;
    });
    std::function<unsigned long(unsigned long, unsigned long)> add =
        [n](unsigned long a, unsigned long b) { return a + b * n; };
    shapes::total += shapes::fold(items, add) + names.size();
}

int main(int argc, char **)
{
    for (unsigned long i = 0; argc < 2 || i < 3; i++) {
        shapes::total += attempt(i);
        containers(i);
    }
}
