# Protocol Buffers @VERSION@ with its Abseil, as upstream's package has it: protobuf::libprotobuf,
# protobuf::libprotobuf-lite (the same library), protobuf::protoc, protobuf_generate().
include("${CMAKE_CURRENT_LIST_DIR}/abslConfig.cmake")

set(Protobuf_VERSION "@VERSION@")
set(Protobuf_INCLUDE_DIRS "${_cxxrt_protobuf_root}/include")
set(Protobuf_LIBRARIES protobuf::libprotobuf)
if(NOT TARGET protobuf::libprotobuf)
  add_library(protobuf::libprotobuf SHARED IMPORTED)
  set_target_properties(protobuf::libprotobuf PROPERTIES
    IMPORTED_LOCATION "${_cxxrt_protobuf_root}/lib/libprotobuf_cxxrt.so.@VERSION@"
    IMPORTED_SONAME "libprotobuf_cxxrt.so.@VERSION@"
    INTERFACE_LINK_LIBRARIES absl::cxxrt)
  add_library(protobuf::libprotobuf-lite INTERFACE IMPORTED)
  set_target_properties(protobuf::libprotobuf-lite PROPERTIES
    INTERFACE_LINK_LIBRARIES protobuf::libprotobuf)
endif()

# Generated code and the library must be of one release: its headers refuse any other.
if(NOT TARGET protobuf::protoc)
  find_program(Protobuf_PROTOC_EXECUTABLE protoc)
  if(Protobuf_PROTOC_EXECUTABLE)
    execute_process(COMMAND "${Protobuf_PROTOC_EXECUTABLE}" --version
      OUTPUT_VARIABLE _cxxrt_protoc OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
  endif()
  if(_cxxrt_protoc STREQUAL "libprotoc @VERSION@")
    add_executable(protobuf::protoc IMPORTED)
    set_target_properties(protobuf::protoc PROPERTIES
      IMPORTED_LOCATION "${Protobuf_PROTOC_EXECUTABLE}")
  else()
    message(WARNING "no protoc @VERSION@ (found: ${Protobuf_PROTOC_EXECUTABLE} ${_cxxrt_protoc}); "
      "require cxx11-protobuf-@VERSION@[protoc] to build with, or set Protobuf_PROTOC_EXECUTABLE.")
  endif()
  unset(_cxxrt_protoc)
endif()

# protobuf_generate(TARGET target [LANGUAGE cpp] [PROTOS file...] [IMPORT_DIRS dir...]
#                   [PROTOC_OUT_DIR dir] [OUT_VAR variable])
function(protobuf_generate)
  cmake_parse_arguments(arg "" "LANGUAGE;OUT_VAR;PROTOC_OUT_DIR;TARGET" "PROTOS;IMPORT_DIRS" ${ARGN})
  if(arg_UNPARSED_ARGUMENTS OR (arg_LANGUAGE AND NOT arg_LANGUAGE STREQUAL "cpp"))
    message(FATAL_ERROR "protobuf_generate of cxx11-protobuf generates C++ only and does not know "
      "\"${arg_LANGUAGE} ${arg_UNPARSED_ARGUMENTS}\": call protobuf::protoc yourself.")
  endif()
  if(NOT arg_PROTOS AND arg_TARGET)
    get_target_property(arg_PROTOS ${arg_TARGET} SOURCES)
    list(FILTER arg_PROTOS INCLUDE REGEX "\\.proto$")
  endif()
  if(NOT arg_PROTOC_OUT_DIR)
    set(arg_PROTOC_OUT_DIR "${CMAKE_CURRENT_BINARY_DIR}")
  endif()
  if(NOT arg_IMPORT_DIRS)
    set(arg_IMPORT_DIRS "${CMAKE_CURRENT_SOURCE_DIR}")
  endif()
  set(options "")
  foreach(folder IN LISTS arg_IMPORT_DIRS)
    get_filename_component(folder "${folder}" ABSOLUTE)
    list(APPEND options "-I${folder}")
  endforeach()
  set(all "")
  foreach(proto IN LISTS arg_PROTOS)
    get_filename_component(file "${proto}" ABSOLUTE)
    set(stem "")
    foreach(folder IN LISTS arg_IMPORT_DIRS)
      get_filename_component(folder "${folder}" ABSOLUTE)
      file(RELATIVE_PATH inside "${folder}" "${file}")
      if(NOT stem AND NOT inside MATCHES "^\\.\\./")
        string(REGEX REPLACE "\\.proto$" "" stem "${inside}")
      endif()
    endforeach()
    if(NOT stem)
      message(FATAL_ERROR "${proto} is below none of the IMPORT_DIRS ${arg_IMPORT_DIRS}.")
    endif()
    set(made "${arg_PROTOC_OUT_DIR}/${stem}.pb.cc" "${arg_PROTOC_OUT_DIR}/${stem}.pb.h")
    add_custom_command(OUTPUT ${made} DEPENDS "${file}" VERBATIM
      COMMAND "${CMAKE_COMMAND}" -E make_directory "${arg_PROTOC_OUT_DIR}"
      COMMAND protobuf::protoc ${options} "-I${Protobuf_INCLUDE_DIRS}"
        "--cpp_out=${arg_PROTOC_OUT_DIR}" "${file}")
    list(APPEND all ${made})
  endforeach()
  if(arg_TARGET)
    target_sources(${arg_TARGET} PRIVATE ${all})
    target_include_directories(${arg_TARGET} PUBLIC "$<BUILD_INTERFACE:${arg_PROTOC_OUT_DIR}>")
  endif()
  if(arg_OUT_VAR)
    set(${arg_OUT_VAR} "${all}" PARENT_SCOPE)
  endif()
endfunction()
