/* A user of cuBLAS, NVRTC and nvJitLink, of what works without a device: a version, PTX, a cubin. */
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <cublas_v2.h>
#include <nvJitLink.h>
#include <nvrtc.h>

#define SOURCE "extern \"C\" __global__ void twice(int *n) { *n *= 2; }"

static PyObject *fail(const char *what, int code) {
    return PyErr_Format(PyExc_RuntimeError, "%s: %d", what, code);
}

static PyObject *selftest(PyObject *self, PyObject *none) {
    const char *compile[] = {"--gpu-architecture=compute_80"}, *link[] = {"-arch=sm_80"};
    nvrtcProgram program;
    nvJitLinkHandle linker;
    size_t size = 0;
    int major = 0, code;
    cublasGetProperty(MAJOR_VERSION, &major);
    nvrtcCreateProgram(&program, SOURCE, "twice.cu", 0, NULL, NULL);
    if ((code = nvrtcCompileProgram(program, 1, compile))) return fail("nvrtc", code);
    nvrtcGetPTXSize(program, &size);
    char *ptx = malloc(size);
    nvrtcGetPTX(program, ptx);
    if ((code = nvJitLinkCreate(&linker, 1, link))) return fail("nvJitLinkCreate", code);
    code = nvJitLinkAddData(linker, NVJITLINK_INPUT_PTX, ptx, size, "twice");
    free(ptx);
    if (code || (code = nvJitLinkComplete(linker))) return fail("nvJitLink", code);
    nvJitLinkGetLinkedCubinSize(linker, &size);
    return PyUnicode_FromFormat("cxxrt %d", major >= 12 && size > 0 ? 42 : 0);
}
static PyMethodDef methods[] = {{"selftest", selftest, METH_NOARGS, NULL}, {NULL, NULL, 0, NULL}};
static struct PyModuleDef definition = {PyModuleDef_HEAD_INIT, "_core", NULL, -1, methods};
PyMODINIT_FUNC PyInit__core(void) { return PyModule_Create(&definition); }
