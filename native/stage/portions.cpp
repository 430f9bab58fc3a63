// A portion is one word, so that its two ends move together.

#include "portions.h"

namespace swarm {

namespace {

constexpr int kChunkBits = 24;
constexpr uint64_t kChunkMask = (uint64_t(1) << kChunkBits) - 1;
constexpr uint64_t kRoundMask = 0xffff;

uint64_t wordOf(uint64_t round, uint64_t first, uint64_t end) {
  return (round & kRoundMask) << (2 * kChunkBits) | end << kChunkBits | first;
}

}  // namespace

Portions::Portions(int threads) : size_(threads), portions_(new Portion[(size_t)threads]) {
  forget(~uint64_t(0));
}

void Portions::forget(uint64_t round) {
  for (int i = 0; i < size_; i++) portions_[i].word.store(wordOf(round, 0, 0), std::memory_order_relaxed);
}

bool Portions::take(uint64_t round, size_t count, int thread, int threads, size_t* chunk) {
  for (int i = 0; i < threads; i++) {
    if (takeFrom((thread + i) % threads, round, count, threads, i == 0, chunk)) return true;
  }
  return false;
}

// Relaxed: what chunks read and write is handed over by the barrier after them.
bool Portions::takeFrom(int owner, uint64_t round, size_t count, int threads, bool isOwn, size_t* chunk) {
  std::atomic<uint64_t>& word = portions_[owner].word;
  uint64_t seen = word.load(std::memory_order_relaxed);
  for (;;) {
    uint64_t first = seen & kChunkMask, end = seen >> kChunkBits & kChunkMask;
    if (seen >> (2 * kChunkBits) != (round & kRoundMask)) {
      first = count * (uint64_t)owner / (uint64_t)threads;
      end = count * ((uint64_t)owner + 1) / (uint64_t)threads;
    }
    if (first >= end) return false;
    *chunk = (size_t)(isOwn ? first++ : --end);
    if (word.compare_exchange_weak(seen, wordOf(round, first, end), std::memory_order_relaxed)) return true;
  }
}

}  // namespace swarm
