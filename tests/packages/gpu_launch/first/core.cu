// Launches kernels of another package, and makes errors.
#include <Python.h>
#include <cuda_runtime.h>

using Kernel = void (*)(int* numbers, int count, int value);

__global__ void idle() {}
__global__ void write(int* numbers) { *numbers = 1; }

// launch(kernel, address, count, value): kernel<<<...>>>(...), and what cudaGetLastError says.
static PyObject* launch(PyObject*, PyObject* arguments) {
    unsigned long long kernel = 0, numbers = 0;
    int count = 0, value = 0;
    if (!PyArg_ParseTuple(arguments, "KKii", &kernel, &numbers, &count, &value)) return nullptr;
    const auto function = reinterpret_cast<Kernel>(kernel);
    function<<<(count + 127) / 128, 128>>>(reinterpret_cast<int*>(numbers), count, value);
    return PyLong_FromLong(cudaGetLastError());
}

// handle(kernel, address, count, value): the same through cudaLaunchKernel.
static PyObject* handle(PyObject*, PyObject* arguments) {
    unsigned long long kernel = 0;
    int* numbers = nullptr;
    int count = 0, value = 0;
    if (!PyArg_ParseTuple(arguments, "KKii", &kernel, &numbers, &count, &value)) return nullptr;
    void* values[] = {&numbers, &count, &value};
    cudaLaunchKernel(reinterpret_cast<void*>(kernel), dim3((count + 127) / 128), dim3(128), values,
                     0, nullptr);
    return PyLong_FromLong(cudaGetLastError());
}

// A launch that no device accepts; nobody reads its error here.
static PyObject* refused(PyObject*, PyObject*) {
    idle<<<1, 1 << 20>>>();
    Py_RETURN_NONE;
}

// A kernel that writes to an address that is nobody's: what waiting for it says.
static PyObject* crash(PyObject*, PyObject*) {
    write<<<1, 1>>>(reinterpret_cast<int*>(16));
    return PyLong_FromLong(cudaDeviceSynchronize());
}

static PyMethodDef methods[] = {{"launch", launch, METH_VARARGS, nullptr},
                                {"handle", handle, METH_VARARGS, nullptr},
                                {"refused", refused, METH_NOARGS, nullptr},
                                {"crash", crash, METH_NOARGS, nullptr},
                                {}};
static PyModuleDef module = {PyModuleDef_HEAD_INIT, "_core", nullptr, -1, methods};
PyMODINIT_FUNC PyInit__core() { return PyModule_Create(&module); }
