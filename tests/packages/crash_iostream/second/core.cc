// Writes a number to a stream, as most C++ libraries do.
#include <Python.h>

#include <sstream>

static PyObject* text(PyObject*, PyObject* number) {
    std::ostringstream out;
    out << PyLong_AsLong(number);
    return PyUnicode_FromString(out.str().c_str());
}

static PyMethodDef methods[] = {{"text", text, METH_O, nullptr}, {}};
static PyModuleDef module = {PyModuleDef_HEAD_INIT, "_core", nullptr, -1, methods};
PyMODINIT_FUNC PyInit__core() { return PyModule_Create(&module); }
