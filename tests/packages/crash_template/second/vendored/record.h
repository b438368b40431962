// A vendored library, release 2: a new field stands before the number.
#include <string>

template <class Key>
struct Record {
    Key key;
    long weight = 1;
    long number = 0;
    std::string note;

    // Stands for a function that is too large to be inlined or specialized.
    [[gnu::noipa]] void add(long more) { number += more * weight; }
};
