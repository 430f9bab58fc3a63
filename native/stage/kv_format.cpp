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

}  // namespace swarm
