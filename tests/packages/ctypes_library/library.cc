#include <cstring>
#include <sstream>
#include <string>

extern "C" int cxxrt_sample_selftest(char* buffer, int size) {
    std::ostringstream out;
    out << "cxxrt " << 42;
    const std::string text = out.str();
    if (static_cast<int>(text.size()) >= size) return -1;
    std::strcpy(buffer, text.c_str());
    return static_cast<int>(text.size());
}
