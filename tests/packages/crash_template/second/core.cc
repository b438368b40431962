// Sums with the help of a vendored template library.
#include <Python.h>

#include "vendored/record.h"

static PyObject* total(PyObject*, PyObject*) {
    Record<long> record{};
    for (int i = 0; i < 3; ++i) record.add(14);
    return PyLong_FromLong(record.number);
}

static PyMethodDef methods[] = {{"total", total, METH_NOARGS, nullptr}, {}};
static PyModuleDef module = {PyModuleDef_HEAD_INIT, "_core", nullptr, -1, methods};
PyMODINIT_FUNC PyInit__core() { return PyModule_Create(&module); }
