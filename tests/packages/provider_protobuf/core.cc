// A user of protobuf with a file of its own, that hands on live messages of another wheel's file.
#include <Python.h>
#include <google/protobuf/descriptor.h>
#include "cxxrt_sample_protobuf.pb.h"
#include "shape.pb.h"

static PyObject *selftest(PyObject *, PyObject *) {
    cxxrt_sample_protobuf::Request request;
    request.set_number(42);
    std::string text;
    cxxrt_sample_protobuf::Request back;
    if (!request.SerializeToString(&text) || !back.ParseFromString(text)) return nullptr;
    if (!request.GetDescriptor()->FindFieldByName("number")) return nullptr;
    return PyUnicode_FromFormat("cxxrt %d", (int)back.number());
}
static PyObject *make(PyObject *, PyObject *) {
    auto *shape = new cxxrt_sample::Shape;
    shape->set_name("live");
    shape->add_points(42);
    shape->mutable_made()->set_seconds(7);
    return PyCapsule_New(static_cast<google::protobuf::Message *>(shape), "message", nullptr);
}
static PyObject *take(PyObject *, PyObject *capsule) {
    auto *message =
        static_cast<google::protobuf::Message *>(PyCapsule_GetPointer(capsule, "message"));
    auto *shape = google::protobuf::DynamicCastMessage<cxxrt_sample::Shape>(message);
    bool same = message->GetDescriptor() == cxxrt_sample::Shape::descriptor();
    if (!shape || !same) return PyUnicode_FromString("not a Shape");
    return PyUnicode_FromFormat("%s %d %d", shape->name().c_str(), (int)shape->points(0),
                                (int)shape->made().seconds());
}
static PyMethodDef methods[] = {{"selftest", selftest, METH_NOARGS, nullptr},
                                {"make", make, METH_NOARGS, nullptr},
                                {"take", take, METH_O, nullptr},
                                {}};
static PyModuleDef definition = {PyModuleDef_HEAD_INIT, "_core", nullptr, -1, methods};
PyMODINIT_FUNC PyInit__core() { return PyModule_Create(&definition); }
