// Uses what two copies of libstdc++ in one process break: iostreams, locale, regex, exceptions.
#include <pybind11/pybind11.h>

#include <map>
#include <regex>
#include <sstream>
#include <stdexcept>
#include <string>

static std::string selftest() {
    std::map<std::string, int> answers{{"cxxrt", 42}};
    std::ostringstream out;
    for (const auto& [name, value] : answers) out << name << ' ' << value;
    if (!std::regex_match(out.str(), std::regex("[a-z]+ [0-9]+")))
        throw std::runtime_error("iostreams or regex are broken: '" + out.str() + "'");
    return out.str();
}

static void fail() { throw std::out_of_range("as asked"); }

PYBIND11_MODULE(_core, m) {
    m.def("selftest", &selftest);
    m.def("fail", &fail);
}
