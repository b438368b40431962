#include <nanobind/nanobind.h>
#include <nanobind/stl/string.h>

#include <iomanip>
#include <sstream>
#include <string>

NB_MODULE(_core, m) {
    m.def("selftest", [] {
        std::ostringstream out;
        out << "cxxrt" << std::setw(3) << 42;
        return out.str();
    });
}
