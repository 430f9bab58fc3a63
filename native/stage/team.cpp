// Barriers that spin first and park second. All state that decides whether a thread may sleep is
// sequentially consistent: a thread counts itself as asleep before it looks at the counter the last
// time, and whoever moves the counter looks at the sleepers after.

#include "team.h"

#include <time.h>

#include <chrono>

#include "control_word.h"

namespace swarm {

namespace {

using Clock = std::chrono::steady_clock;

// Long enough to cover a barrier between two short operations, short enough that an idle stage does
// not heat a core: parking and waking costs about as much.
constexpr auto kSpin = std::chrono::microseconds(40);
// Of a start word: the threads of one run. More than any machine has.
constexpr int kThreadBits = 16;
constexpr uint64_t kThreadMask = (1 << kThreadBits) - 1;

// Of the body that this thread is running.
thread_local int64_t parkedNs = 0;

int64_t nsBetween(Clock::time_point from, Clock::time_point to) {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(to - from).count();
}

int64_t threadCpuNs() {
  timespec time;
  if (clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time) != 0) return 0;
  return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

void relax() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}

}  // namespace

thread_local int Team::ownThread = 0;

Team::Team(int threads)
    : size_(threads < 1 ? 1 : threads), portions_(size_), pacers_(kKinds, Pacer(size_)) {
  for (int i = 0; i < size_; i++) startBeds_.push_back(std::make_unique<Bed>());
  for (int i = 1; i < size_; i++) threads_.emplace_back([this, i] { loop(i); });
}

Team::~Team() {
  stopping_ = true;
  started_.fetch_add(kThreadMask + 1, std::memory_order_seq_cst);
  for (auto& bed : startBeds_) wake(*bed);
  for (std::thread& thread : threads_) thread.join();
}

void Team::run(const Body& body, int threads) {
  setControlWord();
  body_ = &body;
  if (threads != active_) portions_.forget(passed_.load(std::memory_order_relaxed) - 1);
  active_ = threads;
  lostNs_.store(0, std::memory_order_relaxed);
  if (threads > 1) {
    const uint64_t runs = started_.load(std::memory_order_relaxed) >> kThreadBits;
    started_.store((runs + 1) << kThreadBits | (uint64_t)threads, std::memory_order_seq_cst);
    for (int i = 1; i < threads; i++) wake(*startBeds_[(size_t)i]);
  }
  takePart(0);
}

void Team::runPaced(const Body& body, double work, int kind) {
  if (size_ == 1) return run(body, 1);
  Pacer& pacer = pacers_[(size_t)kind];
  const auto start = Clock::now();
  run(body, pacer.threads());
  const double ns = (double)nsBetween(start, Clock::now());
  pacer.report(work, ns / 1e9, (double)lostNs_.load(std::memory_order_relaxed) / ns);
}

void Team::loop(int thread) {
  for (uint64_t seen = 0;;) {
    wait(*startBeds_[(size_t)thread], started_, seen);
    seen = started_.load(std::memory_order_seq_cst);
    if (stopping_) return;
    // A run that this thread takes part in cannot end without it, so `seen` is that run.
    if ((seen & kThreadMask) <= (uint64_t)thread) continue;
    setControlWord();
    takePart(thread);
  }
}

void Team::takePart(int thread) {
  const auto start = Clock::now();
  const int64_t cpuNs = threadCpuNs();
  parkedNs = 0;
  ownThread = thread;
  (*body_)(thread);
  const int64_t lost = nsBetween(start, Clock::now()) - parkedNs - (threadCpuNs() - cpuNs);
  if (lost > 0) lostNs_.fetch_add(lost, std::memory_order_relaxed);
  barrier();
}

void Team::barrier() {
  const uint64_t seen = passed_.load(std::memory_order_acquire);
  // Read before arriving: after that the others may be in the next run, with another number of threads.
  const int active = active_;
  if (arrived_.fetch_add(1, std::memory_order_acq_rel) + 1 == active) {
    arrived_.store(0, std::memory_order_relaxed);
    passed_.fetch_add(1, std::memory_order_seq_cst);
    wake(barrierBed_);
  } else {
    wait(barrierBed_, passed_, seen);
  }
}

void Team::wake(Bed& bed) {
  if (bed.sleepers.load(std::memory_order_seq_cst) == 0) return;
  { std::lock_guard<std::mutex> lock(bed.mutex); }
  bed.wake.notify_all();
}

// Returns when the counter is no longer `seen`.
void Team::wait(Bed& bed, const std::atomic<uint64_t>& counter, uint64_t seen) {
  const auto start = Clock::now();
  do {
    for (int i = 0; i < 64; i++) {
      if (counter.load(std::memory_order_acquire) != seen) return;
      relax();
    }
  } while (Clock::now() - start < kSpin);
  const auto parked = Clock::now();
  {
    std::unique_lock<std::mutex> lock(bed.mutex);
    bed.sleepers.fetch_add(1, std::memory_order_seq_cst);
    bed.wake.wait(lock, [&] { return counter.load(std::memory_order_seq_cst) != seen; });
    bed.sleepers.fetch_sub(1, std::memory_order_relaxed);
  }
  parkedNs += nsBetween(parked, Clock::now());
}

}  // namespace swarm
