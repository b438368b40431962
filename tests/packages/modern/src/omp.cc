// OpenMP: libgomp.
#include <omp.h>

#include "module.h"

MODULE(omp)

static std::string run() {
  int sum = omp_get_max_threads() > 0 ? 0 : 1;
#pragma omp parallel for reduction(+ : sum)
  for (int i = 0; i < 42; ++i) sum += 1;
  return "cxxrt " + std::to_string(sum);
}
