// An extension module with selftest(), which returns what run() does.
#include <Python.h>

#include <string>

#define MODULE(name)                                                                               \
  static std::string run();                                                                        \
  static PyObject* selftest(PyObject*, PyObject*) { return PyUnicode_FromString(run().c_str()); }  \
  static PyMethodDef methods[] = {{"selftest", selftest, METH_NOARGS, ""}, {}};                    \
  static PyModuleDef definition = {PyModuleDef_HEAD_INIT, #name, "", 0, methods, {}, {}, {}, {}};  \
  PyMODINIT_FUNC PyInit_##name() { return PyModuleDef_Init(&definition); }
