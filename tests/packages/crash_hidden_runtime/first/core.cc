// Catches an exception and asks another package what it is, as binding generators ask the
// translators that the packages of a process have registered.
#include <Python.h>

#include <stdexcept>

using Translator = const char* (*)();

static PyObject* translated(PyObject*, PyObject* capsule) {
    auto translate = reinterpret_cast<Translator>(PyCapsule_GetPointer(capsule, "translator"));
    try {
        throw std::out_of_range("index");
    } catch (...) {
        return PyUnicode_FromString(translate());
    }
}

static PyMethodDef methods[] = {{"translated", translated, METH_O, nullptr}, {}};
static PyModuleDef module = {PyModuleDef_HEAD_INIT, "_core", nullptr, -1, methods};
PyMODINIT_FUNC PyInit__core() { return PyModule_Create(&module); }
