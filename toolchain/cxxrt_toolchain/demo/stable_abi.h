// The few declarations of CPython's stable ABI (PEP 384) that the two demo modules use, so that the
// demo runs on a machine without Python's development headers. Layout: "Stable ABI" in the C API
// documentation; valid for CPython 3.10 and later with the GIL.
#ifndef CXXRT_DEMO_STABLE_ABI_H
#define CXXRT_DEMO_STABLE_ABI_H

#include <stddef.h>

extern "C" {

struct PyObject {
  ptrdiff_t reference_count;
  void *type;
};

struct PyMethodDef {
  const char *name;
  PyObject *(*function)(PyObject *self, PyObject *argument);
  int flags;
  const char *doc;
};

struct PyModuleDef {
  PyObject head;
  PyObject *(*init)();
  ptrdiff_t index;
  PyObject *copy;
  const char *name;
  const char *doc;
  ptrdiff_t size;
  PyMethodDef *methods;
  void *slots, *traverse, *clear, *free;
};

PyObject *PyModule_Create2(PyModuleDef *definition, int api_version);
int PyModule_AddObject(PyObject *module, const char *name, PyObject *value);
PyObject *PyUnicode_FromString(const char *utf8);
const char *PyUnicode_AsUTF8AndSize(PyObject *text, ptrdiff_t *size);
PyObject *PyCapsule_New(void *pointer, const char *name, void (*destructor)(PyObject *));
void *PyCapsule_Import(const char *name, int no_block);
void PyErr_SetString(PyObject *exception, const char *message);
extern PyObject *PyExc_RuntimeError;
}

inline constexpr int METH_NOARGS = 0x0004;
inline constexpr int METH_O = 0x0008;
inline constexpr int PYTHON_ABI_VERSION = 3;

#define CXXRT_DEMO_EXPORT extern "C" __attribute__((visibility("default")))

#endif
