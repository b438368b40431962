#include "text.h"

static PyModuleDef definition = {PyModuleDef_HEAD_INIT, "lone", nullptr, 0, methods};

PyMODINIT_FUNC PyInit_lone() { return PyModule_Create(&definition); }
