#include <Python.h>

#include "text.h"

static PyObject* selftest(PyObject*, PyObject*) {
    return PyUnicode_FromString(join({"cxxrt"}, 42).c_str());
}

static PyMethodDef methods[] = {{"selftest", selftest, METH_NOARGS, nullptr}, {}};
static PyModuleDef definition = {PyModuleDef_HEAD_INIT, "core", nullptr, 0, methods};

PyMODINIT_FUNC PyInit_core() { return PyModule_Create(&definition); }
