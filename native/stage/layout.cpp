// Interleaving by the field lists of packing.h: one loop for every quantised type, some of which come to it
// with their bits rearranged. A row of floats is cut into units of sixteen.

#include "layout.h"

#include <string.h>

#include <algorithm>

#include "../kernels/packing.h"
#include "rearrange.h"

namespace swarm {

namespace {

const Packing* packingOf(Type type) {
  for (const Packing& packing : kPackings) {
    if (packing.type == type) return &packing;
  }
  return nullptr;
}

size_t floatBytes(Type type) { return type == Type::F32 ? 4 : 2; }

// Copies row `row` between its place in a group and the file's, in either direction.
template <bool pack>
void moveFloats(Type type, uint8_t* group, size_t row, uint8_t* file, size_t rowBytes) {
  const size_t unit = 16 * floatBytes(type);
  for (size_t at = 0; at < rowBytes; at += unit) {
    uint8_t* inGroup = group + at * kGroupRows + row * unit;
    const size_t bytes = std::min(unit, rowBytes - at);
    if (pack) memcpy(inGroup, file + at, bytes);
    else memcpy(file + at, inGroup, bytes);
  }
}

// Most bytes of a block that is rearranged.
constexpr size_t kRearrangedBytes = sizeof(PackedQ6_K);

// Copies row `row` of one block between its place in a group and the file's `block`, in either direction.
template <bool pack>
void moveBlock(const Packing& packing, uint8_t* group, size_t row, uint8_t* block) {
  const bool rearranged = isRearranged(packing.type);
  uint8_t scratch[kRearrangedBytes];
  if (pack && rearranged) rearrange(packing.type, block, scratch);
  uint8_t* packed = rearranged ? scratch : block;
  for (const PackedField* field = packing.fields; field->bytes; field++) {
    const size_t unit = (size_t)field->unit;
    for (size_t at = 0; at < (size_t)field->bytes; at += unit) {
      uint8_t* inGroup = group + at * kGroupRows + row * unit;
      if (pack) memcpy(inGroup, packed + at, unit);
      else memcpy(packed + at, inGroup, unit);
    }
    group += (size_t)field->bytes * kGroupRows;
    packed += field->bytes;
  }
  if (!pack && rearranged) restore(packing.type, scratch, block);
}

// As moveBlock<true> for all rows of a whole group: with units of a known size, copies are loads and stores.
template <size_t unit>
uint8_t* packField(uint8_t* group, size_t bytes, const uint8_t* first, size_t rowBytes) {
  for (size_t at = 0; at < bytes; at += unit) {
    const uint8_t* from = first + at;
    for (size_t row = 0; row < (size_t)kGroupRows; row++, from += rowBytes, group += unit) {
      memcpy(group, from, unit);
    }
  }
  return group;
}

void packGroup(const Packing& packing, uint8_t* group, const uint8_t* rows, size_t fileRowBytes) {
  const size_t blockBytes = (size_t)packing.blockBytes;
  const bool rearranged = isRearranged(packing.type);
  const size_t rowBytes = rearranged ? blockBytes : fileRowBytes;
  uint8_t scratch[kGroupRows * kRearrangedBytes];
  for (size_t block = 0; block < fileRowBytes; block += blockBytes) {
    const uint8_t* from = rearranged ? scratch : rows + block;
    for (size_t row = 0; rearranged && row < (size_t)kGroupRows; row++) {
      rearrange(packing.type, rows + row * fileRowBytes + block, scratch + row * blockBytes);
    }
    for (const PackedField* field = packing.fields; field->bytes; field++) {
      const size_t bytes = (size_t)field->bytes;
      switch (field->unit) {
        case 1: group = packField<1>(group, bytes, from, rowBytes); break;
        case 2: group = packField<2>(group, bytes, from, rowBytes); break;
        default: group = packField<4>(group, bytes, from, rowBytes);
      }
      from += bytes;
    }
  }
}

// `rows` rows, of which a whole group has 16.
void packBlocks(const Packing& packing, uint8_t* group, const uint8_t* from, size_t rows, size_t rowBytes) {
  if (rows == kGroupRows) return packGroup(packing, group, from, rowBytes);
  for (size_t b = 0; b < rowBytes; b += (size_t)packing.blockBytes) {
    for (size_t i = 0; i < rows; i++) {
      moveBlock<true>(packing, group + b * kGroupRows, i, (uint8_t*)from + i * rowBytes + b);
    }
  }
}

void packFloats(Type type, uint8_t* group, const uint8_t* from, size_t rows, size_t rowBytes) {
  const size_t unit = 16 * floatBytes(type);
  if (rows == kGroupRows && rowBytes % unit == 0) {
    if (unit == 64) packField<64>(group, rowBytes, from, rowBytes);
    else packField<32>(group, rowBytes, from, rowBytes);
    return;
  }
  for (size_t i = 0; i < rows; i++) moveFloats<true>(type, group, i, (uint8_t*)from + i * rowBytes, rowBytes);
}

}  // namespace

bool isKnownType(int type) {
  return type == (int)Type::F32 || type == (int)Type::F16 || type == (int)Type::BF16 ||
         packingOf((Type)type) != nullptr;
}

bool isQuantised(Type type) { return packingOf(type) != nullptr; }

size_t blockValues(Type type) {
  const Packing* packing = packingOf(type);
  return packing ? (size_t)packing->blockValues : 1;
}

bool usesBlocks256(Type type) { return blockValues(type) == 256; }

size_t fileRowBytes(Type type, size_t cols) {
  const Packing* packing = packingOf(type);
  if (!packing) return cols * floatBytes(type);
  return cols / (size_t)packing->blockValues * (size_t)packing->blockBytes;
}

size_t rowOffset(Type type, size_t row, size_t cols) {
  if (isQuantised(type)) return row * fileRowBytes(type, cols);
  return row * paddedFloats(cols) * floatBytes(type);
}

size_t matrixBytes(Type type, size_t rows, size_t cols) {
  return rowOffset(type, (rows + kGroupRows - 1) / kGroupRows * kGroupRows, cols);
}

void packRows(Type type, const uint8_t* file, size_t first, size_t count, size_t cols, uint8_t* to) {
  const size_t rowBytes = fileRowBytes(type, cols);
  const Packing* packing = packingOf(type);
  for (size_t r = 0; r < count; r += kGroupRows) {
    const size_t rows = std::min<size_t>(kGroupRows, count - r);
    uint8_t* group = to + rowOffset(type, first + r, cols);
    const uint8_t* from = file + r * rowBytes;
    if (packing) packBlocks(*packing, group, from, rows, rowBytes);
    else packFloats(type, group, from, rows, rowBytes);
  }
}

void unpackRow(Type type, const uint8_t* matrix, size_t row, size_t cols, uint8_t* file) {
  const size_t rowBytes = fileRowBytes(type, cols);
  const Packing* packing = packingOf(type);
  uint8_t* group = (uint8_t*)matrix + rowOffset(type, row / kGroupRows * kGroupRows, cols);
  if (!packing) return moveFloats<false>(type, group, row % kGroupRows, file, rowBytes);
  const size_t blockBytes = (size_t)packing->blockBytes;
  for (size_t b = 0; b < rowBytes; b += blockBytes) {
    moveBlock<false>(*packing, group + b * kGroupRows, row % kGroupRows, file + b);
  }
}

}  // namespace swarm
