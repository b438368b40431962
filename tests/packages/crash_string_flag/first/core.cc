// Shares its settings with other packages through a capsule.
#include <Python.h>

#include "settings.h"

static Settings shared{"first", 42, {}};

static PyObject* settings(PyObject*, PyObject*) {
    return PyCapsule_New(&shared, "settings", nullptr);
}

static PyMethodDef methods[] = {{"settings", settings, METH_NOARGS, nullptr}, {}};
static PyModuleDef module = {PyModuleDef_HEAD_INIT, "_core", nullptr, -1, methods};
PyMODINIT_FUNC PyInit__core() { return PyModule_Create(&module); }
