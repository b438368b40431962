# distutils: language = c++
# cython: language_level = 3
from libcpp.string cimport string
from libcpp.vector cimport vector

cdef extern from *:
    """
    #include <sstream>
    #include <string>
    #include <vector>
    static std::string join(const std::vector<std::string>& parts) {
        std::ostringstream out;
        for (const auto& part : parts) out << part << ' ';
        out << 42;
        return out.str();
    }
    """
    string join(const vector[string]& parts) except +


def selftest():
    cdef vector[string] parts
    parts.push_back(b"cxxrt")
    return join(parts).decode()
