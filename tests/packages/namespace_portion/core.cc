#include "text.h"

static PyModuleDef definition = {PyModuleDef_HEAD_INIT, "core", nullptr, 0, methods};

PyMODINIT_FUNC PyInit_core() { return PyModule_Create(&definition); }
