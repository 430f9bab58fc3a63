// One buffer: [layer][key or value][KV head][position][stride].

#include "kv_cache.h"

#include "layout.h"

namespace swarm {

uint64_t KvCache::bytesFor(const ModelConfig& config, size_t layers, size_t capacity, bool half) {
  return (uint64_t)layers * 2 * config.nKvHeads * capacity * paddedFloats(config.headDim) *
         (half ? 2 : 4);
}

bool KvCache::open(const ModelConfig& config, size_t start, size_t end, size_t capacity, bool half) {
  start_ = start;
  end_ = end;
  capacity_ = capacity;
  nKvHeads_ = config.nKvHeads;
  stride_ = paddedFloats(config.headDim);
  half_ = half;
  return memory_.allocate(bytesFor(config, end - start, capacity, half));
}

CacheRows KvCache::rows(size_t layer, size_t kvHead, size_t which) const {
  const size_t row = (((layer - start_) * 2 + which) * nKvHeads_ + kvHead) * capacity_;
  return {memory_.data() + row * stride_ * (half_ ? 2 : 4), half_, stride_};
}

}  // namespace swarm
