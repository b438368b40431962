// Defines a kernel for others to launch, and has the numbers that it writes.
#include <Python.h>
#include <cuda_runtime.h>

__global__ void fill(int* numbers, int count, int value) {
    const int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < count) numbers[i] = value;
}

static PyObject* fail(cudaError_t status) {
    return PyErr_Format(PyExc_RuntimeError, "CUDA: %s", cudaGetErrorString(status));
}

// The address of the kernel, as the host sees it.
static PyObject* kernel(PyObject*, PyObject*) {
    return PyLong_FromVoidPtr(reinterpret_cast<void*>(fill));
}

// zeros(count): the address of that many on the device.
static PyObject* zeros(PyObject*, PyObject* count) {
    void* numbers = nullptr;
    const size_t size = PyLong_AsLong(count) * sizeof(int);
    cudaError_t status = cudaMalloc(&numbers, size);
    if (status == cudaSuccess) status = cudaMemset(numbers, 0, size);
    return status == cudaSuccess ? PyLong_FromVoidPtr(numbers) : fail(status);
}

// read(address): the number that is there when all work has ended.
static PyObject* read(PyObject*, PyObject* address) {
    int number = 0;
    cudaError_t status = cudaDeviceSynchronize();
    if (status == cudaSuccess)
        status = cudaMemcpy(&number, PyLong_AsVoidPtr(address), sizeof number, cudaMemcpyDefault);
    return status == cudaSuccess ? PyLong_FromLong(number) : fail(status);
}

// The error of this thread that nobody has read; it stays.
static PyObject* seen_error(PyObject*, PyObject*) { return PyLong_FromLong(cudaPeekAtLastError()); }

// The same, and it is read then.
static PyObject* last_error(PyObject*, PyObject*) { return PyLong_FromLong(cudaGetLastError()); }

static PyMethodDef methods[] = {{"kernel", kernel, METH_NOARGS, nullptr},
                                {"zeros", zeros, METH_O, nullptr},
                                {"read", read, METH_O, nullptr},
                                {"seen_error", seen_error, METH_NOARGS, nullptr},
                                {"last_error", last_error, METH_NOARGS, nullptr},
                                {}};
static PyModuleDef module = {PyModuleDef_HEAD_INIT, "_core", nullptr, -1, methods};
PyMODINIT_FUNC PyInit__core() { return PyModule_Create(&module); }
