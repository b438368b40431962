// Puts this build of Protocol Buffers into a C++ namespace of its own, so that no other copy in the
// process can stand in for it (TensorFlow makes 10,000 symbols of google::protobuf global). Every
// header of google/protobuf includes this one first; google::protobuf means the namespace here.
#ifndef CXXRT_PROTOBUF_NAMESPACE
#define CXXRT_PROTOBUF_NAMESPACE NAMESPACE

#if defined(__cplusplus) && defined(__clang__)
// Clang does not have CWG 2061, by which a definition of google::protobuf extends the one below.
namespace google { namespace NAMESPACE { namespace protobuf {} } }
namespace NAMESPACE { namespace pb {} namespace utf8_range {} }
#define protobuf NAMESPACE::protobuf
#define pb NAMESPACE::pb
#define utf8_range NAMESPACE::utf8_range
#elif defined(__cplusplus)
namespace google { inline namespace NAMESPACE { namespace protobuf {} } }
inline namespace NAMESPACE { namespace pb {} namespace utf8_range {} }
#endif

// What has no namespace: what protoc writes outside of any, for the library's own files, and C.
#define GLOBALS

#endif
