// Exceptions; with C++26 also at compile time, and std::exception_ptr_cast.
#include <exception>
#include <stdexcept>

#include "module.h"

MODULE(exc)

#if __cpp_lib_constexpr_exceptions >= 202502L
constexpr int caught() {
  try {
    throw std::runtime_error("thrown by the compiler");
  } catch (const std::exception&) {
    return 42;
  }
}
static_assert(caught() == 42);
#endif

static std::string run() {
  const std::exception_ptr pointer = std::make_exception_ptr(std::runtime_error("cxxrt 42"));
#if __cpp_lib_exception_ptr_cast
  if (const auto* found = std::exception_ptr_cast<std::runtime_error>(pointer)) return found->what();
#endif
  try {
    std::rethrow_exception(pointer);
  } catch (const std::exception& error) {
    return error.what();
  }
}
