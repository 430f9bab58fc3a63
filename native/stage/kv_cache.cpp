// A page: [layer][keys, values][KV head][position][row], where sixteen keys share their rows (kernels.h).

#include "kv_cache.h"

#include <string.h>

#include <algorithm>

#include "layout.h"

namespace swarm {

namespace {

size_t pagesFor(size_t tokens) { return (tokens + kPageTokens - 1) / kPageTokens; }

std::string mib(uint64_t bytes) { return std::to_string((bytes + (1 << 20) - 1) >> 20) + " MiB"; }

}  // namespace

bool KvPool::take(uint64_t bytes) {
  uint64_t used = used_;
  do {
    if (bytes > budget_ || used > budget_ - bytes) return false;
  } while (!used_.compare_exchange_weak(used, used + bytes));
  return true;
}

struct KvCache::Page {
  explicit Page(std::shared_ptr<KvPool> owner) : pool(std::move(owner)) {}
  ~Page() { pool->give(taken); }

  HugeBuffer memory;
  std::shared_ptr<KvPool> pool;
  uint64_t taken = 0;
};

uint64_t KvCache::bytesFor(const ModelConfig& config, size_t layers, size_t capacity, Type type) {
  const KvFormat format = {type, config.headDim};
  return (uint64_t)layers * 2 * config.nKvHeads * pagesFor(capacity) * kPageTokens * format.rowBytes();
}

void KvCache::open(const ModelConfig& config, size_t start, size_t end, size_t capacity, Type type,
                   std::shared_ptr<KvPool> pool) {
  start_ = start;
  end_ = end;
  capacity_ = capacity;
  nKvHeads_ = config.nKvHeads;
  format_ = {type, config.headDim};
  stride_ = format_.stride();
  rowBytes_ = format_.rowBytes();
  pool_ = std::move(pool);
  lengths_.assign(end - start, 0);
}

void KvCache::forkInto(KvCache& fork, size_t length, size_t capacity) const {
  fork.start_ = start_;
  fork.end_ = end_;
  fork.capacity_ = capacity;
  fork.nKvHeads_ = nKvHeads_;
  fork.format_ = format_;
  fork.stride_ = stride_;
  fork.rowBytes_ = rowBytes_;
  fork.pool_ = pool_;
  std::lock_guard<std::mutex> lock(mutex_);
  const size_t most = std::min(length, *std::min_element(lengths_.begin(), lengths_.end()));
  fork.lengths_.assign(lengths_.size(), most);
  fork.pages_.assign(pages_.begin(), pages_.begin() + (ptrdiff_t)pagesFor(most));
}

size_t KvCache::length() const {
  std::lock_guard<std::mutex> lock(mutex_);
  return *std::min_element(lengths_.begin(), lengths_.end());
}

size_t KvCache::lengthOf(size_t layer) const {
  std::lock_guard<std::mutex> lock(mutex_);
  return lengths_[layer - start_];
}

uint64_t KvCache::heldBytes() const {
  std::lock_guard<std::mutex> lock(mutex_);
  uint64_t bytes = 0;
  for (const auto& page : pages_) bytes += page->taken;
  return bytes;
}

std::shared_ptr<KvCache::Page> KvCache::newPage(Status* status) const {
  const uint64_t bytes = (uint64_t)(end_ - start_) * 2 * nKvHeads_ * kPageTokens * rowBytes_;
  auto page = std::make_shared<Page>(pool_);
  if (!pool_->take(bytes)) {
    *status = Status::fail("STAGE_FULL",
                           "keys and values of this stage hold " + mib(pool_->used()) + " of " +
                               mib(pool_->budget()) + " and need " + mib(bytes) +
                               " more: ask again when another session has ended, or give it more memory");
    return nullptr;
  }
  page->taken = bytes;
  if (!page->memory.allocate(bytes)) {
    *status = Status::fail("NATIVE_OUT_OF_MEMORY", "no memory for " + mib(bytes) +
                                                       " of keys and values; use a smaller --ctx");
    return nullptr;
  }
  return page;
}

void KvCache::copyRows(const Page& from, Page& to, size_t count) const {
  const size_t heads = (end_ - start_) * 2 * nKvHeads_, bytes = paddedFloats(count) * rowBytes_;
  for (size_t h = 0; h < heads; h++) {
    const size_t at = h * kPageTokens * rowBytes_;
    memcpy(to.memory.data() + at, from.memory.data() + at, bytes);
  }
}

Status KvCache::reserve(size_t position, size_t nTokens) {
  std::lock_guard<std::mutex> lock(mutex_);
  const size_t filled = *std::max_element(lengths_.begin(), lengths_.end());
  std::vector<std::shared_ptr<Page>> pages = pages_;
  pages.resize(std::max(pages.size(), pagesFor(position + nTokens)));
  for (size_t p = position / kPageTokens; p < pagesFor(position + nTokens); p++) {
    // `pages` and `pages_` each hold one reference.
    if (pages[p] && pages[p].use_count() == 2) continue;
    Status status;
    const std::shared_ptr<Page> fresh = newPage(&status);
    if (!fresh) return status;
    const size_t first = p * kPageTokens;
    if (pages[p] && filled > first) {
      copyRows(*pages[p], *fresh, std::min(kPageTokens, filled - first));
    }
    pages[p] = fresh;
  }
  pages_.swap(pages);
  return {};
}

void KvCache::advance(size_t start, size_t end, size_t length) {
  std::lock_guard<std::mutex> lock(mutex_);
  for (size_t layer = start; layer < end; layer++) lengths_[layer - start_] = length;
}

void KvCache::truncate(size_t length) {
  std::lock_guard<std::mutex> lock(mutex_);
  size_t most = 0;
  for (size_t& own : lengths_) most = std::max(most, own = std::min(own, length));
  pages_.resize(std::min(pages_.size(), pagesFor(most)));
}

Status KvCache::check(const KvSpan& span) const {
  if (span.layerStart < start_ || span.layerEnd > end_ || span.layerStart >= span.layerEnd ||
      span.start >= span.end || span.end > capacity_) {
    return Status::fail("STAGE_POSITION_GAP",
                        "keys and values of layers " + std::to_string(span.layerStart) + "-" +
                            std::to_string(span.layerEnd) + " (the last not included), positions " +
                            std::to_string(span.start) + " to " + std::to_string(span.end) +
                            " do not fit a cache of layers " + std::to_string(start_) + "-" +
                            std::to_string(end_) + " with room for " + std::to_string(capacity_));
  }
  return {};
}

size_t KvCache::exportBytes(const KvSpan& span) const {
  return (span.layerEnd - span.layerStart) * 2 * nKvHeads_ * (span.end - span.start) *
         format_.exportBytes();
}

template <typename Visit>
void KvCache::eachRun(const KvSpan& span, const Visit& visit) const {
  const size_t nTokens = span.end - span.start;
  size_t head = 0;
  for (size_t layer = span.layerStart; layer < span.layerEnd; layer++) {
    for (size_t which = 0; which < 2; which++) {
      for (size_t h = 0; h < nKvHeads_; h++, head++) {
        for (size_t at = span.start; at < span.end;) {
          const size_t count = std::min(span.end, (at / kPageTokens + 1) * kPageTokens) - at;
          const size_t outside = (head * nTokens + at - span.start) * format_.exportBytes();
          visit(which, pageRows(layer, h, which, at), at % kPageTokens, count, outside);
          at += count;
        }
      }
    }
  }
}

Status KvCache::exportTo(const KvSpan& span, uint8_t* out) const {
  const Status status = check(span);
  if (!status.ok()) return status;
  for (size_t layer = span.layerStart; layer < span.layerEnd; layer++) {
    if (lengthOf(layer) >= span.end) continue;
    return Status::fail("STAGE_POSITION_GAP", "layer " + std::to_string(layer) + " has " +
                                                  std::to_string(lengthOf(layer)) +
                                                  " positions cached, not " + std::to_string(span.end));
  }
  eachRun(span, [&](size_t which, const uint8_t* rows, size_t first, size_t count, size_t at) {
    if (which == 0) format_.giveKeys(rows, first, count, out + at);
    else format_.give(rows + first * rowBytes_, count, out + at);
  });
  return {};
}

Status KvCache::importFrom(const KvSpan& span, const uint8_t* bytes) {
  Status status = check(span);
  if (!status.ok()) return status;
  for (size_t layer = span.layerStart; layer < span.layerEnd; layer++) {
    if (lengthOf(layer) == span.start) continue;
    return Status::fail("STAGE_POSITION_GAP",
                        "position " + std::to_string(span.start) + " does not follow the " +
                            std::to_string(lengthOf(layer)) + " cached ones of layer " +
                            std::to_string(layer));
  }
  status = reserve(span.start, span.end - span.start);
  if (!status.ok()) return status;
  bool finite = true;
  eachRun(span, [&](size_t which, uint8_t* rows, size_t first, size_t count, size_t at) {
    finite &= which == 0 ? format_.takeKeys(bytes + at, first, count, rows)
                         : format_.take(bytes + at, count, rows + first * rowBytes_);
  });
  if (!finite) {
    return Status::fail("WIRE_BAD_FRAME", "keys or values that came are not finite numbers");
  }
  advance(span.layerStart, span.layerEnd, span.end);
  return {};
}

CacheRows KvCache::rows(size_t layer, size_t kvHead, size_t which, size_t page) const {
  const uint8_t* memory = pages_[page]->memory.data();
  return {memory + rowIndex(layer, kvHead, which) * rowBytes_, format_.type, stride_};
}

uint8_t* KvCache::pageRows(size_t layer, size_t kvHead, size_t which, size_t position) const {
  return pages_[position / kPageTokens]->memory.data() + rowIndex(layer, kvHead, which) * rowBytes_;
}

bool KvCache::storeKey(const KernelTable& kernels, size_t layer, size_t kvHead, size_t position,
                       const float* head) {
  return format_.storeKey(kernels, head, pageRows(layer, kvHead, 0, position), position % kPageTokens);
}

bool KvCache::storeValue(const KernelTable& kernels, size_t layer, size_t kvHead, size_t position,
                         const float* head) {
  uint8_t* rows = pageRows(layer, kvHead, 1, position);
  return format_.store(kernels, head, rows + position % kPageTokens * rowBytes_);
}

}  // namespace swarm
