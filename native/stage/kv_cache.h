// Keys and values of one session for the layers of one stage: per layer and KV head, rows of one
// position each, f16 or f32, padded with zeros to 16 elements. Memory is reserved for the whole
// capacity and touched only as positions arrive.

#pragma once

#include <atomic>

#include "../kernels/kernels.h"
#include "config.h"
#include "huge_buffer.h"

namespace swarm {

class KvCache {
 public:
  static uint64_t bytesFor(const ModelConfig& config, size_t layers, size_t capacity, bool half);

  // False when there is no memory.
  bool open(const ModelConfig& config, size_t start, size_t end, size_t capacity, bool half);

  size_t start() const { return start_; }
  size_t end() const { return end_; }
  size_t capacity() const { return capacity_; }
  bool half() const { return half_; }
  size_t stride() const { return stride_; }

  size_t length() const { return length_.load(std::memory_order_acquire); }
  void setLength(size_t length) { length_.store(length, std::memory_order_release); }

  CacheRows keys(size_t layer, size_t kvHead) const { return rows(layer, kvHead, 0); }
  CacheRows values(size_t layer, size_t kvHead) const { return rows(layer, kvHead, 1); }

 private:
  CacheRows rows(size_t layer, size_t kvHead, size_t which) const;

  HugeBuffer memory_;
  size_t start_ = 0, end_ = 0, capacity_ = 0, nKvHeads_ = 0, stride_ = 0;
  bool half_ = true;
  std::atomic<size_t> length_{0};
};

}  // namespace swarm
