#define PY_SSIZE_T_CLEAN
#include <Python.h>

extern int answer(char *text, int size);

static PyObject *selftest(PyObject *module, PyObject *ignored) {
  char text[32];
  int used = answer(text, sizeof text);
  return PyUnicode_FromStringAndSize(text, used);
}

static PyMethodDef methods[] = {{"selftest", selftest, METH_NOARGS, NULL}, {0}};
static struct PyModuleDef definition = {PyModuleDef_HEAD_INIT, "core", NULL, -1, methods};
PyMODINIT_FUNC PyInit_core(void) { return PyModule_Create(&definition); }
