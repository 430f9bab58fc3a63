// How keys and values lie in memory and outside of it: one row is one head of one position, as f16, f32
// or blocks of Q8_0. In memory rows are padded with zeros for the kernels, and those of keys stand in groups
// of sixteen (kernels.h); outside (export) f16 and f32 rows have headDim elements and no more, one after the
// other. Knows no pages and no sessions.

#pragma once

#include <stddef.h>
#include <stdint.h>

#include "../kernels/kernels.h"

namespace swarm {

struct KvFormat {
  Type type = Type::F16;  // F16, F32 or Q8_0
  size_t headDim = 0;

  static bool isKnown(int type) {
    return type == (int)Type::F16 || type == (int)Type::F32 || type == (int)Type::Q8_0;
  }
  // Elements from row to row: a multiple of 16, of 32 where they lie in blocks.
  size_t stride() const;
  // Bytes of a row in memory, and outside.
  size_t rowBytes() const;
  size_t exportBytes() const;
  // One row of `stride()` floats, whose padding is +0. False when an element is not finite in this type.
  bool store(const KernelTable& kernels, const float* head, uint8_t* row) const;
  // `nRows` rows to and from their outside form. take: false when an element is not finite; `rows` then
  // holds anything.
  void give(const uint8_t* rows, size_t nRows, uint8_t* outside) const;
  bool take(const uint8_t* outside, size_t nRows, uint8_t* rows) const;
  // The same for keys, from row `first` of the groups that begin at `groups`.
  bool storeKey(const KernelTable& kernels, const float* head, uint8_t* groups, size_t first) const;
  void giveKeys(const uint8_t* groups, size_t first, size_t nRows, uint8_t* outside) const;
  bool takeKeys(const uint8_t* outside, size_t first, size_t nRows, uint8_t* groups) const;

 private:
  template <typename Visit>
  void eachUnit(size_t row, const Visit& visit) const;
};

// Elements of the widest padded row: of q, which serves rows of every type.
size_t kvStrideMax(size_t headDim);

}  // namespace swarm
