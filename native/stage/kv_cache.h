// Keys and values of one session for the layers of one stage, in pages of 256 positions. A page comes
// with the first position that needs it, counts in the model's budget and goes at once when nobody
// refers to it; forks share pages and copy one before they write to it. Two caches never see each
// other's writes.

#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <vector>

#include "config.h"
#include "huge_buffer.h"
#include "kv_format.h"
#include "status.h"

namespace swarm {

// Positions of one page: those of one partial sum of attention (docs/arithmetic.md section 6), so that
// every run of rows that a kernel takes lies in one page. Smaller pages would waste less at the end of a
// context (half a page on average: 3 MiB at 1.1B) and cut those runs; larger ones waste more.
constexpr size_t kPageTokens = 256;

// Bytes of pages that all caches of one model hold, and may hold. Any thread.
class KvPool {
 public:
  void setBudget(uint64_t bytes) { budget_ = bytes; }
  uint64_t budget() const { return budget_; }
  uint64_t used() const { return used_; }
  // False, and nothing taken, when the budget does not allow it.
  bool take(uint64_t bytes);
  void give(uint64_t bytes) { used_ -= bytes; }

 private:
  std::atomic<uint64_t> budget_{UINT64_MAX};
  std::atomic<uint64_t> used_{0};
};

// Layers and positions, both half-open.
struct KvSpan {
  size_t layerStart = 0, layerEnd = 0;
  size_t start = 0, end = 0;
};

// reserve, advance, exportTo and importFrom belong to the thread that runs steps; truncate to whoever
// knows that no step runs; the rest to any thread.
class KvCache {
 public:
  // Whole pages for so many positions.
  static uint64_t bytesFor(const ModelConfig& config, size_t layers, size_t capacity, Type type);

  // Takes no memory yet.
  void open(const ModelConfig& config, size_t start, size_t end, size_t capacity, Type type,
            std::shared_ptr<KvPool> pool);
  // The first `length` positions of this cache (all it has, if fewer) as a cache of its own.
  void forkInto(KvCache& fork, size_t length, size_t capacity) const;

  size_t start() const { return start_; }
  size_t end() const { return end_; }
  size_t capacity() const { return capacity_; }
  const KvFormat& format() const { return format_; }
  size_t stride() const { return stride_; }
  // Positions that every layer has, and one layer has.
  size_t length() const;
  size_t lengthOf(size_t layer) const;
  // Of the pages that this cache refers to; shared ones count in full.
  uint64_t heldBytes() const;

  // Pages for positions [position, position + nTokens), written by nobody else: on failure nothing changed.
  Status reserve(size_t position, size_t nTokens);
  // Layers [start, end) have so many positions now.
  void advance(size_t start, size_t end, size_t length);
  // Forgets positions from `length` on, and frees the pages behind.
  void truncate(size_t length);

  size_t exportBytes(const KvSpan& span) const;
  // Rows of the span: [layer][keys, values][KV head][position]. The span is checked.
  Status exportTo(const KvSpan& span, uint8_t* out) const;
  // Appends such rows: the span begins where its layers end. On failure their length is what it was.
  Status importFrom(const KvSpan& span, const uint8_t* bytes);

  // Rows of page `page`: positions from page * kPageTokens on.
  CacheRows keys(size_t layer, size_t kvHead, size_t page) const { return rows(layer, kvHead, 0, page); }
  CacheRows values(size_t layer, size_t kvHead, size_t page) const {
    return rows(layer, kvHead, 1, page);
  }
  // One row of a position. False when an element is not finite in this type.
  bool storeKey(const KernelTable& kernels, size_t layer, size_t kvHead, size_t position, const float* head);
  bool storeValue(const KernelTable& kernels, size_t layer, size_t kvHead, size_t position,
                  const float* head);

 private:
  struct Page;
  size_t rowIndex(size_t layer, size_t kvHead, size_t which) const {
    return (((layer - start_) * 2 + which) * nKvHeads_ + kvHead) * kPageTokens;
  }
  CacheRows rows(size_t layer, size_t kvHead, size_t which, size_t page) const;
  // Where the rows of the position's page begin.
  uint8_t* pageRows(size_t layer, size_t kvHead, size_t which, size_t position) const;
  std::shared_ptr<Page> newPage(Status* status) const;
  void copyRows(const Page& from, Page& to, size_t count) const;
  Status check(const KvSpan& span) const;
  // Calls visit(which, a page's rows, the first of them, how many, offset of their outside form) for every
  // run of rows in one page.
  template <typename Visit>
  void eachRun(const KvSpan& span, const Visit& visit) const;

  KvFormat format_;
  size_t start_ = 0, end_ = 0, capacity_ = 0, nKvHeads_ = 0, stride_ = 0, rowBytes_ = 0;
  std::shared_ptr<KvPool> pool_;
  // Guards the two below: a fork may be taken while a step runs.
  mutable std::mutex mutex_;
  std::vector<std::shared_ptr<Page>> pages_;
  std::vector<size_t> lengths_;  // per layer
};

}  // namespace swarm
