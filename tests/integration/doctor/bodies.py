"""What the native modules of the test packages do when they are imported."""

from __future__ import annotations

PRINTS = """
#include <iostream>
#include <locale>
#include <sstream>
static const char* check() {
  std::ostringstream out;
  out << 42ul;
  return out.str() == "42" ? nullptr : "a number prints as nothing";
}
"""

# Numbers the facets of its libstdc++. Printing: nothing with GCC 12, a crash with 13 and later.
INITIALIZES = """
#include <locale>
static const char* check() {
  return std::locale::classic().name() == "C" ? nullptr : "not C";
}
"""

ONLY_NEEDS = """
#include <string>
std::string exported(const std::string& in) { return in + in; }
static const char* check() { return nullptr; }
"""

CALLS_ONCE = """
#include <mutex>
static const char* check() {
  static std::once_flag flag;
  int count = 0;
  std::call_once(flag, [&] { count = 1; });
  return count == 1 ? nullptr : "not called";
}
"""

# The same name, another layout: as if two releases of a vendored library were compiled in.
_BOX = """
namespace vendored {{
struct __attribute__((visibility("default"))) Box {{
  virtual ~Box() {{}}
  virtual long size() const;
  {extra}
  long content[{fields}];
}};
__attribute__((weak, noinline)) long Box::size() const {{ return sizeof(*this); }}
}}
static const char* check() {{
  vendored::Box* box = new vendored::Box();
  const long size = (box->*(&vendored::Box::size))();
  return size == sizeof(vendored::Box) ? nullptr : "the wrong Box";
}}
"""
SMALL_BOX = _BOX.format(extra="", fields=1)
LARGE_BOX = _BOX.format(extra="virtual void more() {}", fields=9)

# As pybind11: one structure for all modules, found by name, with a layout of each compiler's.
REGISTRY = """
#include <cstdlib>
#include <cstring>
static const char name[] = "__pybind11_internals_v99_test__";
static const char* check() {{
  PyObject* all = PyInterpreterState_GetDict(PyInterpreterState_Get());
  PyObject* known = PyDict_GetItemString(all, name);
  if (!known) {{
    known = PyCapsule_New((void*)"{layout}", nullptr, nullptr);
    PyDict_SetItemString(all, name, known);
  }}
  if (std::strcmp((const char*)PyCapsule_GetPointer(known, nullptr), "{layout}")) std::abort();
  return nullptr;
}}
"""

DIES = """
#include <signal.h>
__attribute__((constructor)) static void start() { raise(SIGSEGV); }
static const char* check() { return nullptr; }
"""

GLOBALLY = """\
import os
import sys

flags = sys.getdlopenflags()
sys.setdlopenflags(os.RTLD_NOW | os.RTLD_GLOBAL)
from . import core
sys.setdlopenflags(flags)
"""
