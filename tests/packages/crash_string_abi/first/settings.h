// The struct that the two packages exchange. Its layout depends on that of std::string.
#include <string>

struct Settings {
    std::string name;
    int threads;
    int sizes[16];
};
