// std::format and std::print: what they share is in the library from GCC 15 and 16 on.
#include <chrono>
#include <cstdio>
#include <format>
#include <locale>
#include <print>

#include "module.h"

MODULE(fmt)

static std::string run() {
  std::FILE* null = std::fopen("/dev/null", "w");
  std::println(null, "{} {}", 1, "two");
  std::fclose(null);
  const std::string text = std::format("cxxrt {:.0f}", 42.0);
  const auto day = std::chrono::sys_days{std::chrono::year{2042} / 1 / 1};
  const std::string same = std::format(std::locale::classic(), "cxxrt {:L%y}", day);
  return text == same ? text : text + same;
}
