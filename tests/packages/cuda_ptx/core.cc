// A kernel that comes as text, so that neither nvcc nor the toolkit's headers are needed. The
// declarations are those of CUDA 12 (Runtime API, "Library Management", since 12.8).
#include <Python.h>

#include <stdexcept>
#include <string>

struct dim3 {
    unsigned x, y, z;
};
extern "C" {
const char* cudaGetErrorString(int);
int cudaRuntimeGetVersion(int*);
int cudaLibraryLoadData(void** library, const void* code, void* options, void** values,
                        unsigned count, void* more, void** more_values, unsigned more_count);
int cudaLibraryGetKernel(void** kernel, void* library, const char* name);
int cudaLibraryUnload(void* library);
int cudaLaunchKernel(const void* kernel, dim3 grid, dim3 block, void** arguments, size_t shared,
                     void* stream);
}

static void check(int status, const std::string& what) {
    if (status) throw std::runtime_error("CUDA: " + what + ": " + cudaGetErrorString(status));
}

static void launched(const char* code, unsigned long long numbers, unsigned count, void* stream) {
    static void* kernel = nullptr;
    if (!kernel) {
        void* library = nullptr;
        check(cudaLibraryLoadData(&library, code, nullptr, nullptr, 0, nullptr, nullptr, 0), "load");
        check(cudaLibraryGetKernel(&kernel, library, "twice"), "find");
    }
    void* arguments[] = {&numbers, &count};
    const dim3 grid{(count + 127) / 128, 1, 1}, block{128, 1, 1};
    check(cudaLaunchKernel(kernel, grid, block, arguments, 0, stream), "launch");
}

static PyObject* launch(PyObject*, PyObject* arguments) {
    const char* code = nullptr;
    unsigned long long numbers = 0, stream = 0;
    unsigned count = 0;
    if (!PyArg_ParseTuple(arguments, "yKIK", &code, &numbers, &count, &stream)) return nullptr;
    try {
        launched(code, numbers, count, reinterpret_cast<void*>(stream));
    } catch (const std::runtime_error& error) {
        PyErr_SetString(PyExc_RuntimeError, error.what());
        return nullptr;
    }
    Py_RETURN_NONE;
}

static PyObject* runtime_version(PyObject*, PyObject*) {
    int version = 0;
    cudaRuntimeGetVersion(&version);
    return PyLong_FromLong(version);
}

static PyMethodDef methods[] = {{"launch", launch, METH_VARARGS, nullptr},
                                {"runtime_version", runtime_version, METH_NOARGS, nullptr},
                                {}};
static PyModuleDef module = {PyModuleDef_HEAD_INIT, "_core", nullptr, -1, methods};
PyMODINIT_FUNC PyInit__core() { return PyModule_Create(&module); }
