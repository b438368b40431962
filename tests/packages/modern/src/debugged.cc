// The library's debug mode, whose iterators register with code in the library.
#define _GLIBCXX_DEBUG 1
#include <algorithm>
#include <list>
#include <map>
#include <vector>

#include "module.h"

MODULE(debugged)

static std::string run() {
  std::vector<int> numbers{42, 1, 2};
  std::sort(numbers.begin(), numbers.end());
  const std::map<int, std::string> words{{42, "cxxrt"}};
  const std::list<int> list(numbers.begin(), numbers.end());
  return words.at(numbers[2]) + " " + std::to_string(list.back());
}
