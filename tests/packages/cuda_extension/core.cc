#include <Python.h>
#include <cuda_runtime_api.h>

#include <sstream>

#include "kernel.h"

static PyObject* fail(cudaError_t status) {
    return PyErr_Format(PyExc_RuntimeError, "CUDA: %s", cudaGetErrorString(status));
}

// The runtime's version; needs no device and no driver.
static PyObject* runtime_version(PyObject*, PyObject*) {
    int version = 0;
    const cudaError_t status = cudaRuntimeGetVersion(&version);
    return status == cudaSuccess ? PyLong_FromLong(version) : fail(status);
}

// "cxxrt 42", computed on the device.
static PyObject* selftest(PyObject*, PyObject*) {
    int numbers[] = {21};
    const auto status = static_cast<cudaError_t>(twice(numbers, 1));
    if (status != cudaSuccess) return fail(status);
    std::ostringstream out;
    out << "cxxrt " << numbers[0];
    return PyUnicode_FromString(out.str().c_str());
}

// twice(address, count, stream=0): doubles what another package has put on the device.
static PyObject* twice_of_others(PyObject*, PyObject* arguments) {
    unsigned long long address = 0, stream = 0;
    int count = 0;
    if (!PyArg_ParseTuple(arguments, "Ki|K", &address, &count, &stream)) return nullptr;
    const auto status = static_cast<cudaError_t>(
        twice_there(reinterpret_cast<int*>(address), count, reinterpret_cast<void*>(stream)));
    if (status != cudaSuccess) return fail(status);
    Py_RETURN_NONE;
}

static PyMethodDef methods[] = {{"runtime_version", runtime_version, METH_NOARGS, nullptr},
                                {"twice", twice_of_others, METH_VARARGS, nullptr},
                                {"selftest", selftest, METH_NOARGS, nullptr},
                                {}};
static PyModuleDef definition = {PyModuleDef_HEAD_INIT, "_core", nullptr, 0, methods};

PyMODINIT_FUNC PyInit__core() { return PyModule_Create(&definition); }
