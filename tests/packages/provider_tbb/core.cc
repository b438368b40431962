// A user of oneTBB: a parallel sum, and a setting that belongs to the library and not to the module.
#include <Python.h>
#include <tbb/blocked_range.h>
#include <tbb/global_control.h>
#include <tbb/parallel_reduce.h>

#include <functional>

using tbb::global_control;

static PyObject* selftest(PyObject*, PyObject*) {
    const tbb::blocked_range<int> all(0, 42);
    const int sum = tbb::parallel_reduce(
        all, 0, [](const auto& part, int so_far) { return so_far + static_cast<int>(part.size()); },
        std::plus<>());
    return PyUnicode_FromFormat("cxxrt %d", sum);
}
static PyObject* threads(PyObject*, PyObject*) {
    return PyLong_FromSize_t(global_control::active_value(global_control::max_allowed_parallelism));
}
static PyObject* set_threads(PyObject*, PyObject* count) {
    new global_control(global_control::max_allowed_parallelism, PyLong_AsSize_t(count));
    Py_RETURN_NONE;
}
static PyMethodDef methods[] = {{"selftest", selftest, METH_NOARGS, nullptr},
                                {"threads", threads, METH_NOARGS, nullptr},
                                {"set_threads", set_threads, METH_O, nullptr},
                                {}};
static PyModuleDef definition = {PyModuleDef_HEAD_INIT, "_core", nullptr, -1, methods};
PyMODINIT_FUNC PyInit__core() { return PyModule_Create(&definition); }
