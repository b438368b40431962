// Counts the threads of a parallel region.
#include <Python.h>

static PyObject* threads(PyObject*, PyObject*) {
    int team = 0;
#pragma omp parallel reduction(+ : team)
    team += 1;
    return PyLong_FromLong(team);
}

static PyMethodDef methods[] = {{"threads", threads, METH_NOARGS, nullptr}, {}};
static PyModuleDef module = {PyModuleDef_HEAD_INIT, "_core", nullptr, -1, methods};
PyMODINIT_FUNC PyInit__core() { return PyModule_Create(&module); }
