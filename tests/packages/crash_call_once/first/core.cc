// Computes something once, on first use, whichever thread asks: std::call_once.
#include <Python.h>

#include <mutex>

static std::once_flag asked;
static long found = 0;

static PyObject* answer(PyObject*, PyObject*) {
    std::call_once(asked, [] { found = 42; });
    return PyLong_FromLong(found);
}

static PyMethodDef methods[] = {{"answer", answer, METH_NOARGS, nullptr}, {}};
static PyModuleDef module = {PyModuleDef_HEAD_INIT, "_core", nullptr, -1, methods};
PyMODINIT_FUNC PyInit__core() { return PyModule_Create(&module); }
