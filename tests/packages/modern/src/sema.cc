// Semaphores, latches, barriers and atomic waits: headers only up to GCC 15.
#include <atomic>
#include <barrier>
#include <latch>
#include <semaphore>
#include <thread>

#include "module.h"

MODULE(sema)

static std::string run() {
  std::counting_semaphore<8> free{0};
  std::latch done{2};
  std::barrier both{2};
  std::atomic<int> count{0};
  const auto work = [&] {
    count += 21;
    both.arrive_and_wait();
    done.count_down();
    free.release();
    count.notify_all();
  };
  std::jthread first{work}, second{work};
  count.wait(0);
  done.wait();
  free.acquire();
  (void)free.try_acquire_for(std::chrono::seconds(1));
  return "cxxrt " + std::to_string(count.load());
}
