/* The floor of any loader: dlopen each argument with RTLD_NOW | RTLD_GLOBAL, print microseconds. */
#include <dlfcn.h>
#include <stdio.h>
#include <time.h>

static double microseconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1e6 + now.tv_nsec / 1e3;
}

int main(int count, char **paths) {
  double start = microseconds();
  for (int i = 1; i < count; i++) {
    if (!dlopen(paths[i], RTLD_NOW | RTLD_GLOBAL)) {
      fprintf(stderr, "%s\n", dlerror());
      return 1;
    }
  }
  printf("%.1f\n", microseconds() - start);
  return 0;
}
