// An extension compiled with the machine's own g++: throws an exception through the frames of
// demo_modern, which another compiler made, and catches it by its base class.
#include "stable_abi.h"

#include <stdexcept>
#include <string>

namespace {

struct Interface {
  int (*call_through)(void (*)(void *), void *);
  int (*frames_unwound)();
};

struct Special : std::runtime_error {
  using std::runtime_error::runtime_error;
};

void thrower(void *text) { throw Special(std::string("thrown by the host's g++: ") + static_cast<const char *>(text)); }

PyObject *throw_through(PyObject *, PyObject *text) {
  const char *message = PyUnicode_AsUTF8AndSize(text, nullptr);
  if (message == nullptr) return nullptr;
  const auto *modern =
      static_cast<const Interface *>(PyCapsule_Import("demo_modern.interface", 0));
  if (modern == nullptr) return nullptr;
  const int before = modern->frames_unwound();
  try {
    modern->call_through(thrower, const_cast<char *>(message));
  } catch (const std::exception &error) {
    const int frames = modern->frames_unwound() - before;
    return PyUnicode_FromString(
        (std::string(error.what()) + "; frames of demo_modern unwound: " + std::to_string(frames)).c_str());
  }
  PyErr_SetString(PyExc_RuntimeError, "nothing was thrown");
  return nullptr;
}

PyMethodDef methods[] = {
    {"throw_through", throw_through, METH_O, "Throw through demo_modern and catch."},
    {nullptr, nullptr, 0, nullptr}};

PyModuleDef definition = {{1, nullptr}, nullptr, 0,       nullptr, "demo_host", "Host C++.", -1,
                          methods,      nullptr, nullptr, nullptr, nullptr};

}  // namespace

CXXRT_DEMO_EXPORT PyObject *PyInit_demo_host() {
  return PyModule_Create2(&definition, PYTHON_ABI_VERSION);
}
