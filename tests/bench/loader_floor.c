/* The floor of any loader: dlopen each argument with RTLD_NOW | RTLD_GLOBAL.
   Prints microseconds of processor time, and of wall time. */
#include <dlfcn.h>
#include <stdio.h>
#include <time.h>

static double microseconds(clockid_t clock) {
  struct timespec now;
  clock_gettime(clock, &now);
  return now.tv_sec * 1e6 + now.tv_nsec / 1e3;
}

int main(int count, char **paths) {
  double wall = microseconds(CLOCK_MONOTONIC), cpu = microseconds(CLOCK_PROCESS_CPUTIME_ID);
  for (int i = 1; i < count; i++) {
    if (!dlopen(paths[i], RTLD_NOW | RTLD_GLOBAL)) {
      fprintf(stderr, "%s\n", dlerror());
      return 1;
    }
  }
  cpu = microseconds(CLOCK_PROCESS_CPUTIME_ID) - cpu;
  printf("%.1f %.1f\n", cpu, microseconds(CLOCK_MONOTONIC) - wall);
  return 0;
}
