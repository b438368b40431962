// What a foreign libstdc++ breaks first: facets (numbers in iostreams), regex, exceptions.
#include <condition_variable>
#include <cstring>
#include <mutex>
#include <regex>
#include <sstream>
#include <stdexcept>

#ifdef PROBE_OLD
// GCC 11 and later call this from std::allocator; with it here, the probe runs on GLIBCXX_3.4.28.
namespace std {
void __throw_bad_array_new_length() { __builtin_abort(); }
}
// std::shared_ptr looks at this variable of glibc 2.32; with it here, the probe runs on 2.31.
extern "C" char __libc_single_threaded;
char __libc_single_threaded = 0;
#endif

extern "C" {
// Writes what `ostringstream << 12` gives; two copies of libstdc++ in a process give "".
void probe_number(char *out, int size) {
  std::ostringstream stream;
  stream << 12 << ' ' << 3.25;
  std::strncpy(out, stream.str().c_str(), size - 1);
}
int probe_parse() {
  std::istringstream stream("42");
  int value = -1;
  stream >> value;
  return value;
}
int probe_regex() { return std::regex_match("aaab", std::regex("a+b")) ? 1 : 0; }
void probe_throw() { throw std::runtime_error("across modules"); }
// Calls another module's function and catches what it throws.
int probe_catch(void (*thrower)()) {
  try {
    thrower();
  } catch (const std::runtime_error &error) {
    return std::strcmp(error.what(), "across modules") == 0 ? 1 : -1;
  } catch (...) {
    return -2;
  }
  return 0;
}
#ifdef PROBE_NEW
// condition_variable::wait is GLIBCXX_3.4.30 since GCC 12; GLIBCXX_3.4.28 lacks it.
void probe_wait(std::condition_variable &condition, std::unique_lock<std::mutex> &lock) {
  condition.wait(lock);
}
#endif
}
