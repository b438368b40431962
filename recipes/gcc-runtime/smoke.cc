// Exceptions, iostreams, locales and threads: exit status 0 when all of them work.
#include <iostream>
#include <locale>
#include <stdexcept>
#include <string>
#include <thread>

int main() {
  int caught = 0;
  std::thread thrower([&] {
    for (int i = 0; i < 1000; ++i) {
      try {
        throw std::runtime_error("x" + std::to_string(i));
      } catch (const std::exception& error) {
        caught += error.what()[0] == 'x';
      }
    }
  });
  thrower.join();
  std::cout << "smoke: locale " << std::locale("C").name() << ", caught " << caught << std::endl;
  return caught == 1000 ? 0 : 1;
}
