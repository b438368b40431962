#include "text.h"

#include <sstream>

std::string join(const std::vector<std::string>& parts, int number) {
    std::ostringstream out;
    for (const auto& part : parts) out << part << ' ';
    out << number;
    return out.str();
}
