// A CPython extension that needs C++23's library: std::print and std::format.
#include <Python.h>

#include <cstdio>
#include <format>
#include <print>
#include <stdexcept>
#include <string>

static PyObject* greet(PyObject*, PyObject* args) {
  const char* name = nullptr;
  if (!PyArg_ParseTuple(args, "s", &name)) return nullptr;
  try {
    if (*name == 0) throw std::invalid_argument(std::format("{} is empty", "name"));
    std::print(stdout, "printed for {:>8}\n", name);
    std::fflush(stdout);
    return PyUnicode_FromString(std::format("hello {:*^9}", name).c_str());
  } catch (const std::exception& error) {
    PyErr_SetString(PyExc_ValueError, error.what());
    return nullptr;
  }
}

static PyMethodDef methods[] = {{"greet", greet, METH_VARARGS, nullptr}, {nullptr, nullptr, 0, nullptr}};
static PyModuleDef module = {PyModuleDef_HEAD_INIT, "modern", nullptr, -1, methods,
                             nullptr, nullptr, nullptr, nullptr};

PyMODINIT_FUNC PyInit_modern() { return PyModule_Create(&module); }
