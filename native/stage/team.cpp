// Barriers that spin first and park second. All state that decides whether a thread may sleep is
// sequentially consistent: a thread counts itself as parked before it looks at the counter the last
// time, and whoever moves the counter looks at the parked threads after.

#include "team.h"

#include <chrono>

#include "control_word.h"

namespace swarm {

namespace {

// Long enough to cover a barrier between two short operations, short enough that an idle stage does
// not heat a core: parking and waking costs about as much.
constexpr auto kSpin = std::chrono::microseconds(40);

void relax() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}

}  // namespace

Team::Team(int threads) : size_(threads < 1 ? 1 : threads) {
  for (int i = 1; i < size_; i++) threads_.emplace_back([this, i] { loop(i); });
}

Team::~Team() {
  stopping_ = true;
  advance(started_);
  for (std::thread& thread : threads_) thread.join();
}

void Team::run(const std::function<void(int)>& body, bool alone) {
  setControlWord();
  body_ = &body;
  active_ = alone ? 1 : size_;
  if (active_ > 1) advance(started_);
  body(0);
  barrier();
}

void Team::loop(int thread) {
  for (unsigned seen = 0;; seen++) {
    waitWhile(started_, seen);
    if (stopping_) return;
    setControlWord();
    (*body_)(thread);
    barrier();
  }
}

void Team::barrier() {
  const unsigned seen = passed_.load(std::memory_order_acquire);
  if (arrived_.fetch_add(1, std::memory_order_acq_rel) + 1 == active_) {
    arrived_.store(0, std::memory_order_relaxed);
    next_.store(0, std::memory_order_relaxed);
    advance(passed_);
  } else {
    waitWhile(passed_, seen);
  }
}

void Team::advance(std::atomic<unsigned>& counter) {
  counter.fetch_add(1, std::memory_order_seq_cst);
  if (parked_.load(std::memory_order_seq_cst) == 0) return;
  { std::lock_guard<std::mutex> lock(mutex_); }
  wake_.notify_all();
}

void Team::waitWhile(const std::atomic<unsigned>& counter, unsigned seen) {
  const auto until = std::chrono::steady_clock::now() + kSpin;
  do {
    for (int i = 0; i < 64; i++) {
      if (counter.load(std::memory_order_acquire) != seen) return;
      relax();
    }
  } while (std::chrono::steady_clock::now() < until);
  std::unique_lock<std::mutex> lock(mutex_);
  parked_.fetch_add(1, std::memory_order_seq_cst);
  wake_.wait(lock, [&] { return counter.load(std::memory_order_seq_cst) != seen; });
  parked_.fetch_sub(1, std::memory_order_relaxed);
}

}  // namespace swarm
