// Reads the settings of another package.
#include <Python.h>

#include "settings.h"

static PyObject* threads(PyObject*, PyObject* capsule) {
    auto found = static_cast<Settings*>(PyCapsule_GetPointer(capsule, "settings"));
    return PyLong_FromLong(found->threads);
}

static PyMethodDef methods[] = {{"threads", threads, METH_O, nullptr}, {}};
static PyModuleDef module = {PyModuleDef_HEAD_INIT, "_core", nullptr, -1, methods};
PyMODINIT_FUNC PyInit__core() { return PyModule_Create(&module); }
