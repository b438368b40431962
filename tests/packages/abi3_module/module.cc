// The whole distribution is this module: there is no package that could be wired.
#define Py_LIMITED_API 0x030A0000
#include <Python.h>

#include <sstream>

static PyObject* selftest(PyObject*, PyObject*) {
    std::ostringstream out;
    out << "cxxrt " << 42;
    return PyUnicode_FromString(out.str().c_str());
}

static PyMethodDef methods[] = {{"selftest", selftest, METH_NOARGS, nullptr}, {}};
static PyModuleDef_Slot slots[] = {{0, nullptr}};
static PyModuleDef definition = {PyModuleDef_HEAD_INIT, "cxxrt_sample_abi3", nullptr, 0, methods,
                                 slots};

PyMODINIT_FUNC PyInit_cxxrt_sample_abi3() { return PyModuleDef_Init(&definition); }
