// Tells OpenMP how many threads this process is to use.
#include <Python.h>
#include <omp.h>
#include <unistd.h>

#include <algorithm>

static PyObject* use_threads(PyObject*, PyObject* number) {
    omp_set_num_threads(std::min<int>(PyLong_AsLong(number), sysconf(_SC_NPROCESSORS_ONLN)));
    Py_RETURN_NONE;
}

static PyMethodDef methods[] = {{"use_threads", use_threads, METH_O, nullptr}, {}};
static PyModuleDef module = {PyModuleDef_HEAD_INIT, "_core", nullptr, -1, methods};
PyMODINIT_FUNC PyInit__core() { return PyModule_Create(&module); }
