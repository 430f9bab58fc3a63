// The compute functions of one instruction set: the contract between stage/ and the tables. Each entry
// follows docs/arithmetic.md to the bit; tables differ in speed only. Pointers do not alias unless the
// entry says so. Rows of activations are padded with +0 to a multiple of 16 floats (`paddedFloats`);
// entries may read and write the padding.

#pragma once

#include <stddef.h>
#include <stdint.h>

#include "blocks.h"

namespace swarm {

// How the products of a few tokens read the weights. In one place: leaving it to the processor to read ahead,
// or asking ahead. Side by side: several groups of rows at a time, asking ahead (readingHere in dispatch.h).
enum class Reading : int { Plain = 0, Ahead = 1, SideBySide = 2 };

// out[t * outStride + r] = dot(row r, x_t) for r < nRows, t < nTokens.
struct Multiply {
  // Groups of 16 rows (layout.h), the last one filled up with zero rows.
  const uint8_t* weights;
  size_t nRows;
  size_t k;
  // Quantised types: blocks of Activation256 or Activation32, `xStride` bytes from token to token.
  // Float types: floats padded to a multiple of 16.
  const uint8_t* x;
  size_t xStride;
  size_t nTokens;
  // Full groups of 16 are written: outStride is a multiple of 16.
  float* out;
  size_t outStride;
  Reading reading;
};

// Keys or values of one head: `type` F16, F32 or Q8_0, `stride` elements to a position (a multiple of 16, of
// 32 for Q8_0, padded with zeros). Values lie position by position. Keys lie in groups of sixteen positions,
// element by element: element k of position p at k * 16 + p, so that scores come sixteen at a time; of
// blocks the sixteen scales first, then their codes in this order. `next` is what will be read after them,
// asked for in time, or null.
struct CacheRows {
  const void* rows;
  Type type;
  size_t stride;
  const void* next = nullptr;
};

// Values of a vector of the search, and so bytes of its codes.
constexpr int kCodeWidth = 256;

// Several heads that look at the same rows: head h takes in + h * inStride and gives out + h * outStride.
struct Heads {
  const float* in;
  size_t inStride;
  size_t count;
  float* out;
  size_t outStride;
};

struct KernelTable {
  const char* name;

  // Section 3. k is a multiple of the block. False when an element is not finite.
  bool (*quantize256)(const float* x, size_t k, Activation256* out);
  bool (*quantize32)(const float* x, size_t k, Activation32* out);

  // Sections 4 and 5, by type; null where the type does not exist.
  void (*multiply[kTypeLimit])(const Multiply& job);

  // Section 6. n is a multiple of 16 except `count`, the true length that the mean divides by.
  void (*rmsNorm)(const float* x, const float* weight, size_t n, size_t count, float eps, float* out);
  void (*add)(float* y, const float* x, size_t n);                // y += x
  void (*siluMultiply)(float* gate, const float* up, size_t n);   // gate = silu(gate) * up

  // Per head: out[i] = dot(in, row i) * scale for i < n; in is padded like a row.
  void (*scores)(const Heads& heads, CacheRows keys, size_t n, float scale);
  float (*maximum)(const float* x, size_t n);                     // n >= 1; exact
  // y_i = exp(x_i - top); returns their sum in 16 lanes. x may equal y; n is any number.
  float (*expSum)(const float* x, size_t n, float top, float* y);
  // Per head: out[d] = sum over ascending i of in[i] * row_i[d] by fma from +0; width is a multiple of 16.
  void (*mixValues)(const Heads& heads, CacheRows values, size_t n, size_t width);

  // Round to nearest even. False when a finite element becomes Inf or an element is not finite.
  bool (*toHalf)(const float* x, uint16_t* out, size_t n);

  // Section 11. out[g * 16 + r] = the sum of products of `x` and row r of group g, for g < nGroups. Codes
  // and x lie within -127 .. 127; element k of row r is byte k / 4 * 64 + r * 4 + k % 4 of its group.
  void (*codeDots)(const int8_t* packed, size_t nGroups, const int8_t* x, int32_t* out);

  // For measuring what this machine can do at best; no result depends on them.
  // Reads `bytes` (a multiple of 1024) once, by `streams` (1, 2, 4 or 8) pointers side by side, and
  // returns the exclusive or of its 32-bit words.
  uint32_t (*readOnce)(const uint8_t* p, size_t bytes, int streams);
  // Multiplies and adds from registers only, as fast as these instructions go, for some time (`rounds`,
  // at most 2^20). Returns how many products it has summed.
  uint64_t (*int8Peak)(size_t rounds);
  uint64_t (*floatPeak)(size_t rounds);
};

}  // namespace swarm
