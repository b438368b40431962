#include <Python.h>

#include <sstream>

static PyObject* selftest(PyObject*, PyObject*) {
    std::ostringstream out;
    out << "cxxrt " << 42;
    return PyUnicode_FromString(out.str().c_str());
}

static PyMethodDef methods[] = {{"selftest", selftest, METH_NOARGS, nullptr}, {}};
