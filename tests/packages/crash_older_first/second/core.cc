// The same in C++20; with the stream's header alone, GCC 13 and later need GLIBCXX_3.4.32.
#include <Python.h>

#include <iostream>
#include <string>

static PyObject* text(PyObject*, PyObject* number) {
    std::cout.flush();
    return PyUnicode_FromString(std::to_string(PyLong_AsLong(number)).c_str());
}

static PyMethodDef methods[] = {{"text", text, METH_O, nullptr}, {}};
static PyModuleDef module = {PyModuleDef_HEAD_INIT, "_core", nullptr, -1, methods};
PyMODINIT_FUNC PyInit__core() { return PyModule_Create(&module); }
