# The Abseil of Protocol Buffers @VERSION@: upstream's targets, all of them one library, absl::cxxrt.
get_filename_component(_cxxrt_protobuf_root "${CMAKE_CURRENT_LIST_DIR}/.." ABSOLUTE)
if(NOT TARGET absl::cxxrt)
  add_library(absl::cxxrt SHARED IMPORTED)
  set_target_properties(absl::cxxrt PROPERTIES
    IMPORTED_LOCATION "${_cxxrt_protobuf_root}/lib/libabsl_cxxrt.so.@VERSION@"
    IMPORTED_SONAME "libabsl_cxxrt.so.@VERSION@"
    INTERFACE_INCLUDE_DIRECTORIES "${_cxxrt_protobuf_root}/include"
    INTERFACE_COMPILE_FEATURES cxx_std_17)
  foreach(_cxxrt_name @TARGETS@)
    add_library(absl::${_cxxrt_name} INTERFACE IMPORTED)
    set_target_properties(absl::${_cxxrt_name} PROPERTIES INTERFACE_LINK_LIBRARIES absl::cxxrt)
  endforeach()
  unset(_cxxrt_name)
endif()
