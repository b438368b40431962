// <stacktrace>, from the static libstdc++exp.
#include <stacktrace>

#include "module.h"

MODULE(stack)

static std::string run() {
  return std::to_string(std::stacktrace::current()).empty() ? "empty" : "cxxrt 42";
}
