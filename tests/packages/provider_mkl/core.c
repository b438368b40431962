/* A user of MKL's C interface whose result shows that it computed, and whose settings are MKL's. */
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <mkl.h>

static PyObject *selftest(PyObject *self, PyObject *none) {
    enum { N = 200 };
    double *a = malloc(N * N * sizeof *a), *c = calloc(N * N, sizeof *c), sum = 0;
    for (int i = 0; i < N * N; i++) a[i] = 1.0;
    cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, N, N, N, 1.0, a, N, a, N, 0.0, c, N);
    for (int i = 0; i < N * N; i++) sum += c[i];
    free(a);
    free(c);
    return PyUnicode_FromFormat("cxxrt %d", (int)(sum / N / N / N * 42));
}
static PyObject *release(PyObject *self, PyObject *none) {
    MKLVersion version;
    mkl_get_version(&version);
    return PyLong_FromLong(version.MajorVersion);
}
static PyObject *threads(PyObject *self, PyObject *none) {
    return PyLong_FromLong(mkl_get_max_threads());
}
static PyObject *set_threads(PyObject *self, PyObject *count) {
    mkl_set_num_threads((int)PyLong_AsLong(count));
    Py_RETURN_NONE;
}
static PyMethodDef methods[] = {{"selftest", selftest, METH_NOARGS, NULL},
                                {"release", release, METH_NOARGS, NULL},
                                {"threads", threads, METH_NOARGS, NULL},
                                {"set_threads", set_threads, METH_O, NULL},
                                {NULL, NULL, 0, NULL}};
static struct PyModuleDef definition = {PyModuleDef_HEAD_INIT, "_core", NULL, -1, methods};
PyMODINIT_FUNC PyInit__core(void) { return PyModule_Create(&definition); }
