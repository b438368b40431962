import cxxrt_sample_owner  # its library has the generated code of shape.proto

from cxxrt_sample_protobuf._core import make, selftest, take

__all__ = ["cxxrt_sample_owner", "make", "selftest", "take"]
