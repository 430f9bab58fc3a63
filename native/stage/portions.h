// Who takes which chunk of one shared loop. Every thread begins with a portion of its own, from its front, so
// that what it reads lies together and what it asked for ahead is its own; who has finished takes from
// the back of the others' portions. A thread that the system holds back so costs its own chunk only.

#pragma once

#include <stddef.h>
#include <stdint.h>

#include <atomic>
#include <memory>

namespace swarm {

class Portions {
 public:
  explicit Portions(int threads);

  // Before a run whose threads are others than the last one's, while nobody takes.
  void forget(uint64_t round);

  // A chunk below `count` (less than 2^24) that nobody took in this round, for one of `threads` threads;
  // false when none is left. All threads of a round name the same count, and its number is the last one's
  // plus 1.
  bool take(uint64_t round, size_t count, int thread, int threads, size_t* chunk);

 private:
  // Round, end and first chunk that is left, in 16, 24 and 24 bits: a portion of an older round is a new one
  // whose first chunk nobody has asked for.
  struct alignas(64) Portion {
    std::atomic<uint64_t> word{0};
  };

  bool takeFrom(int owner, uint64_t round, size_t count, int threads, bool isOwn, size_t* chunk);

  const int size_;
  std::unique_ptr<Portion[]> portions_;
};

}  // namespace swarm
