// Where the values of a matrix lie in memory, as the kernels expect them (kernels.h, packing.h), and
// how rows of a file become that. Rows are interleaved in groups of 16: quantised ones by the units of a
// block, floats by sixteen values of each in turn. No bytes are added to a quantised block; rows of floats
// are padded with zeros to 16 values.

#pragma once

#include <stddef.h>
#include <stdint.h>

#include "../kernels/blocks.h"

namespace swarm {

bool isKnownType(int type);
bool isQuantised(Type type);
// Values of a row that share a scale; 1 for float types.
size_t blockValues(Type type);
// Whether activations for this type are Activation256 (else Activation32; float types: neither).
bool usesBlocks256(Type type);

// Bytes of one row in the file.
size_t fileRowBytes(Type type, size_t cols);
// Bytes of a whole matrix in memory.
size_t matrixBytes(Type type, size_t rows, size_t cols);
// Where row `row` (a multiple of 16) begins in memory.
size_t rowOffset(Type type, size_t row, size_t cols);

// Brings `count` rows of the file into the matrix at `to`, starting at row `first`, a multiple of 16. A
// last partial group is filled up by the zeroed memory.
void packRows(Type type, const uint8_t* file, size_t first, size_t count, size_t cols, uint8_t* to);

// The bytes of one row as they lay in the file (fileRowBytes of them).
void unpackRow(Type type, const uint8_t* matrix, size_t row, size_t cols, uint8_t* file);

// In which forms a vector is needed by the matrices that take it.
struct Formats {
  bool blocks256 = false;
  bool blocks32 = false;

  Formats with(Type type) const {
    Formats both = *this;
    if (usesBlocks256(type)) both.blocks256 = true;
    else if (isQuantised(type)) both.blocks32 = true;
    return both;
  }
  bool any() const { return blocks256 || blocks32; }
};

inline size_t paddedFloats(size_t n) { return (n + 15) / 16 * 16; }

}  // namespace swarm
