// Rows as docs/arithmetic.md section 6 stores them.

#include "kv_format.h"

#include <string.h>

#include "config.h"
#include "layout.h"

namespace swarm {

namespace {

constexpr size_t kBlock = 32;

size_t upTo(size_t n, size_t step) { return (n + step - 1) / step * step; }

bool halvesFinite(const uint8_t* bytes, size_t count) {
  bool finite = true;
  for (size_t i = 0; i < count; i++) {
    uint16_t half;
    memcpy(&half, bytes + i * 2, 2);
    finite &= (half & 0x7c00) != 0x7c00;
  }
  return finite;
}

// Scales are finite and have no sign: the kernels rely on it.
bool scalesFit(const uint8_t* blocks, size_t count) {
  bool fit = true;
  for (size_t i = 0; i < count; i++) {
    uint16_t half;
    memcpy(&half, blocks + i * sizeof(BlockQ8_0), 2);
    fit &= half < 0x7c00;
  }
  return fit;
}

bool floatsFinite(const uint8_t* bytes, size_t count) {
  bool finite = true;
  for (size_t i = 0; i < count; i++) {
    uint32_t bits;
    memcpy(&bits, bytes + i * 4, 4);
    finite &= (bits & 0x7f800000) != 0x7f800000;
  }
  return finite;
}

}  // namespace

size_t kvStrideMax(size_t headDim) { return upTo(headDim, kBlock); }

size_t KvFormat::stride() const {
  return type == Type::Q8_0 ? upTo(headDim, kBlock) : paddedFloats(headDim);
}

size_t KvFormat::rowBytes() const {
  if (type == Type::Q8_0) return stride() / kBlock * sizeof(BlockQ8_0);
  return stride() * (type == Type::F16 ? 2 : 4);
}

size_t KvFormat::exportBytes() const {
  return type == Type::Q8_0 ? rowBytes() : headDim * (type == Type::F16 ? 2 : 4);
}

bool KvFormat::store(const KernelTable& kernels, const float* head, uint8_t* row) const {
  if (type == Type::F32) {
    memcpy(row, head, stride() * 4);
    return true;
  }
  if (type == Type::F16) return kernels.toHalf(head, (uint16_t*)row, stride());
  constexpr size_t blocksMax = kHeadDimMax / kBlock;
  Activation32 quantised[blocksMax];
  float scales[blocksMax] = {};
  uint16_t halves[blocksMax];
  const size_t blocks = stride() / kBlock;
  if (!kernels.quantize32(head, stride(), quantised)) return false;
  for (size_t b = 0; b < blocks; b++) scales[b] = quantised[b].d;
  if (!kernels.toHalf(scales, halves, paddedFloats(blocks))) return false;
  for (size_t b = 0; b < blocks; b++) {
    BlockQ8_0 block;
    block.d = halves[b];
    memcpy(block.qs, quantised[b].q, kBlock);
    memcpy(row + b * sizeof(block), &block, sizeof(block));
  }
  return true;
}

void KvFormat::give(const uint8_t* rows, size_t nRows, uint8_t* outside) const {
  const size_t inside = rowBytes(), bytes = exportBytes();
  for (size_t r = 0; r < nRows; r++) memcpy(outside + r * bytes, rows + r * inside, bytes);
}

bool KvFormat::take(const uint8_t* outside, size_t nRows, uint8_t* rows) const {
  const size_t inside = rowBytes(), bytes = exportBytes();
  for (size_t r = 0; r < nRows; r++) {
    memcpy(rows + r * inside, outside + r * bytes, bytes);
    memset(rows + r * inside + bytes, 0, inside - bytes);
  }
  if (type == Type::F32) return floatsFinite(outside, nRows * headDim);
  if (type == Type::F16) return halvesFinite(outside, nRows * headDim);
  return scalesFit(outside, nRows * bytes / sizeof(BlockQ8_0));
}

// Calls visit(offset in a row, offset in the groups, bytes) for all that stays together of row `row`.
template <typename Visit>
void KvFormat::eachUnit(size_t row, const Visit& visit) const {
  const size_t group = row / kGroupRows * kGroupRows * rowBytes(), p = row % kGroupRows;
  if (type == Type::F16) {
    for (size_t k = 0; k < stride(); k++) visit(k * 2, group + (k * kGroupRows + p) * 2, 2);
  } else if (type == Type::F32) {
    for (size_t k = 0; k < stride(); k++) visit(k * 4, group + (k * kGroupRows + p) * 4, 4);
  }
  for (size_t b = 0; type == Type::Q8_0 && b < stride() / kBlock; b++) {
    const size_t at = b * sizeof(BlockQ8_0), block = group + at * kGroupRows;
    visit(at, block + p * 2, 2);
    for (size_t k = 2; k < sizeof(BlockQ8_0); k++) visit(at + k, block + k * kGroupRows + p, 1);
  }
}

bool KvFormat::storeKey(const KernelTable& kernels, const float* head, uint8_t* groups,
                        size_t first) const {
  alignas(float) uint8_t row[kHeadDimMax * 4];
  if (!store(kernels, head, row)) return false;
  eachUnit(first, [&](size_t in, size_t at, size_t bytes) { memcpy(groups + at, row + in, bytes); });
  return true;
}

void KvFormat::giveKeys(const uint8_t* groups, size_t first, size_t nRows, uint8_t* outside) const {
  alignas(float) uint8_t row[kHeadDimMax * 4];
  for (size_t r = 0; r < nRows; r++) {
    eachUnit(first + r,
             [&](size_t in, size_t at, size_t bytes) { memcpy(row + in, groups + at, bytes); });
    give(row, 1, outside + r * exportBytes());
  }
}

bool KvFormat::takeKeys(const uint8_t* outside, size_t first, size_t nRows, uint8_t* groups) const {
  alignas(float) uint8_t row[kHeadDimMax * 4];
  bool finite = true;
  for (size_t r = 0; r < nRows; r++) {
    finite &= take(outside + r * exportBytes(), 1, row);
    eachUnit(first + r,
             [&](size_t in, size_t at, size_t bytes) { memcpy(groups + at, row + in, bytes); });
  }
  return finite;
}

}  // namespace swarm
