// An extension written in today's C++: std::format, std::print, chrono's time zones. Compiled with the
// recipe's own GCC, it needs a libstdc++ that most machines do not have yet.
#include "stable_abi.h"

#include <chrono>
#include <cstdio>
#include <format>
#include <iostream>
#include <print>
#include <regex>
#include <sstream>
#include <string>

namespace {

struct Frame {  // counts unwound frames: its destructor runs while somebody else's exception passes
  static inline int unwound = 0;
  ~Frame() { ++unwound; }
};

// Calls back into whoever compiled `function`; an exception may travel through this frame.
int call_through(void (*function)(void *), void *argument) {
  Frame frame;
  function(argument);
  return Frame::unwound;
}

int frames_unwound() { return Frame::unwound; }

struct Interface {
  int (*call_through)(void (*)(void *), void *);
  int (*frames_unwound)();
} interface{call_through, frames_unwound};

PyObject *greet(PyObject *, PyObject *name) {
  const char *text = PyUnicode_AsUTF8AndSize(name, nullptr);
  if (text == nullptr) return nullptr;
  try {
    std::ostringstream number;
    number << 12;  // the formatting that a second libstdc++ silently loses
    const bool word = std::regex_match(text, std::regex("[a-z]+"));
    const auto day = std::chrono::year_month_day{std::chrono::sys_days{std::chrono::days{20000}}};
    const std::string line =
        std::format("hello {}, {} formatted twelve, a word: {}, day 20000: {:%Y-%m-%d}", text,
                    number.str(), word, day);
    std::println("{}", line);
    std::fflush(stdout);
    return PyUnicode_FromString(line.c_str());
  } catch (const std::exception &error) {
    PyErr_SetString(PyExc_RuntimeError, error.what());
    return nullptr;
  }
}

PyMethodDef methods[] = {{"greet", greet, METH_O, "Format a greeting with std::format."},
                         {nullptr, nullptr, 0, nullptr}};

PyModuleDef definition = {{1, nullptr},     nullptr, 0,       nullptr, "demo_modern",
                          "Modern C++.",    -1,      methods, nullptr, nullptr,
                          nullptr,          nullptr};

}  // namespace

CXXRT_DEMO_EXPORT PyObject *PyInit_demo_modern() {
  PyObject *module = PyModule_Create2(&definition, PYTHON_ABI_VERSION);
  if (module != nullptr)
    PyModule_AddObject(module, "interface",
                       PyCapsule_New(&interface, "demo_modern.interface", nullptr));
  return module;
}
