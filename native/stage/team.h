// The threads of one stage. All of them run the same function ("single program, multiple data") and
// meet at barriers; between two barriers they share chunks of work (portions.h). Waiting spins for a
// moment, then parks: on a shared machine a spinning thread takes the core from the very neighbour it
// waits for. How many threads take part may differ from run to run; those that do not stay parked.

#pragma once

#include <stddef.h>
#include <stdint.h>

#include <atomic>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "pacer.h"
#include "portions.h"

namespace swarm {

class Team {
 public:
  using Body = std::function<void(int)>;

  explicit Team(int threads);
  ~Team();

  int size() const { return size_; }

  // Runs body(thread) on the first `threads` threads, thread 0 being the caller, and returns when all of
  // them are done. With 1 nobody is woken, for work that is shorter than waking.
  void run(const Body& body, int threads);
  void run(const Body& body) { run(body, size_); }

  // The same with as many threads as are fastest now. `work` is the size of this run in any unit; runs of
  // one kind, 0 .. kKinds - 1, take about as long per unit, and each kind learns for itself.
  static constexpr int kKinds = 5;
  void runPaced(const Body& body, double work, int kind);

  // Inside body: calls work(i) for every i < count exactly once, spread over the threads, and returns
  // when all of them are done. Every thread must call it with the same count.
  template <typename Work>
  void share(size_t count, const Work& work) {
    const uint64_t round = passed_.load(std::memory_order_relaxed);
    for (size_t i; portions_.take(round, count, ownThread, active_, &i);) work(i);
    barrier();
  }

  void barrier();

 private:
  // Where a thread waits; apart, so that waking some leaves the others asleep.
  struct Bed {
    std::atomic<int> sleepers{0};
    std::mutex mutex;
    std::condition_variable wake;
  };

  void loop(int thread);
  void takePart(int thread);
  void wait(Bed& bed, const std::atomic<uint64_t>& counter, uint64_t seen);
  void wake(Bed& bed);

  // Of the body that this thread is running.
  static thread_local int ownThread;

  const int size_;
  int active_ = 1;  // threads of the running body; changes between runs only
  Portions portions_;
  std::vector<std::thread> threads_;
  const Body* body_ = nullptr;
  std::atomic<bool> stopping_{false};
  std::vector<Pacer> pacers_;  // (kKinds,)
  std::atomic<int64_t> lostNs_{0};  // of the running body, all threads: not waiting, yet not running

  // The low bits say how many threads take part in the latest run, the high ones count the runs.
  alignas(64) std::atomic<uint64_t> started_{0};
  alignas(64) std::atomic<uint64_t> passed_{0};
  alignas(64) std::atomic<int> arrived_{0};
  Bed barrierBed_;
  std::vector<std::unique_ptr<Bed>> startBeds_;  // one per thread
};

}  // namespace swarm
