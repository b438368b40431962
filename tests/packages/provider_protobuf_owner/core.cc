// Loads the library that owns shape.proto.
#include <Python.h>
#include "shape.pb.h"

static PyObject *selftest(PyObject *, PyObject *) {
    cxxrt_sample::Shape shape;
    shape.add_points(42);
    std::string text;
    cxxrt_sample::Shape back;
    if (!shape.SerializeToString(&text) || !back.ParseFromString(text)) return nullptr;
    return PyUnicode_FromFormat("cxxrt %d", (int)back.points(0));
}
static PyMethodDef methods[] = {{"selftest", selftest, METH_NOARGS, nullptr}, {}};
static PyModuleDef definition = {PyModuleDef_HEAD_INIT, "_core", nullptr, -1, methods};
PyMODINIT_FUNC PyInit__core() { return PyModule_Create(&definition); }
