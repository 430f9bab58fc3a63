// The threads of one stage. All of them run the same function ("single program, multiple data") and
// meet at barriers; work between two barriers is taken in chunks from a shared counter, so a thread
// that the system holds back costs its own chunk only. Waiting spins for a moment, then parks: on a
// shared machine a spinning thread takes the core from the very neighbour it waits for.

#pragma once

#include <stddef.h>

#include <atomic>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace swarm {

class Team {
 public:
  explicit Team(int threads);
  ~Team();

  int size() const { return size_; }

  // Runs body(thread) on every thread, thread 0 being the caller, and returns when all are done. Alone:
  // on the caller only, without waking the others, for work that is shorter than waking them.
  void run(const std::function<void(int)>& body, bool alone = false);

  // Inside body: calls work(i) for every i < count exactly once, spread over the threads, and returns
  // when all of them are done. Every thread must call it with the same count.
  template <typename Work>
  void share(size_t count, const Work& work) {
    for (size_t i; (i = next_.fetch_add(1, std::memory_order_relaxed)) < count;) work(i);
    barrier();
  }

  void barrier();

 private:
  void loop(int thread);
  void waitWhile(const std::atomic<unsigned>& counter, unsigned seen);
  void advance(std::atomic<unsigned>& counter);

  const int size_;
  int active_ = 1;  // threads of the running body; changes between runs only
  std::vector<std::thread> threads_;
  const std::function<void(int)>* body_ = nullptr;
  bool stopping_ = false;

  alignas(64) std::atomic<unsigned> started_{0};
  alignas(64) std::atomic<unsigned> passed_{0};
  alignas(64) std::atomic<int> arrived_{0};
  alignas(64) std::atomic<size_t> next_{0};
  alignas(64) std::atomic<int> parked_{0};
  std::mutex mutex_;
  std::condition_variable wake_;
};

}  // namespace swarm
