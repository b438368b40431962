// A vendored library, release 1: the number follows the key.
#include <string>

template <class Key>
struct Record {
    Key key;
    long number = 0;
    std::string note;

    // Stands for a function that is too large to be inlined or specialized.
    [[gnu::noipa]] void add(long more) { number += more; }
};
