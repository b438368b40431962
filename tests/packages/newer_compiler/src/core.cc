// std::format with a locale refers to functions that libstdc++ has had since GCC 15 and 16.
#include <Python.h>

#include <chrono>
#include <format>
#include <locale>
#include <string>

static PyObject* selftest(PyObject*, PyObject*) {
  const auto day = std::chrono::sys_days{std::chrono::days{0}};
  const std::string text = std::format(std::locale::classic(), "cxxrt {:L%d}", day);
  return PyUnicode_FromString(text == "cxxrt 01" ? "cxxrt 42" : text.c_str());
}

static PyMethodDef methods[] = {{"selftest", selftest, METH_NOARGS, ""}, {}};
static PyModuleDef definition = {PyModuleDef_HEAD_INIT, "_core", "", 0, methods, {}, {}, {}, {}};

PyMODINIT_FUNC PyInit__core() { return PyModuleDef_Init(&definition); }
