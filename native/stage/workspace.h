// The buffers of one step; its rows are the positions of all its parts, one part behind the other. They go
// through a layer band by band: what lives within a layer has the rows of one band. Rows of activations are
// padded with +0 to 16 floats (kernels.h); sizes follow the largest step seen so far.

#pragma once

#include <stddef.h>
#include <stdint.h>

#include <vector>

#include "config.h"
#include "layout.h"

namespace swarm {

// Rows of activations: `nTokens` rows of `stride` floats, and the same rows quantised as needed.
struct Rows {
  size_t width = 0;   // true length of a row
  size_t stride = 0;  // floats from row to row
  std::vector<float> floats;
  std::vector<CacheLine> blocks256;
  std::vector<uint8_t> blocks32;

  void shape(size_t nTokens, size_t rowWidth) {
    width = rowWidth;
    stride = paddedFloats(rowWidth);
    if (floats.size() < nTokens * stride) floats.resize(nTokens * stride);
  }
  void makeBlocks256(size_t nTokens) {
    const size_t lines = nTokens * bytes256() / sizeof(CacheLine);
    if (blocks256.size() < lines) blocks256.resize(lines);
  }
  size_t bytes256() const { return width / 256 * sizeof(Activation256); }
  size_t bytes32() const { return width / 32 * sizeof(Activation32); }
  uint8_t* row256(size_t t) { return blocks256.data()->bytes + t * bytes256(); }
  float* row(size_t t) { return floats.data() + t * stride; }
};

// Heads that attention takes side by side: keys and values are read once for all of them. Bounds the
// scratch, whatever a model has.
constexpr size_t kHeadGroup = 8;

struct Workspace {
  Rows x;         // residual stream (nTokens, dim), of the whole step
  Rows normed;    // (nBand or wanted, dim)
  Rows q, k, v;   // (nBand, heads * headDim)
  Rows attended;  // (nBand, nHeads * headDim)
  Rows gate, up;  // (nBand, hiddenDim); gate becomes the hidden vector
  Rows delta;     // (nBand, dim) before it is added to x
  Rows logits;    // (wanted, vocab)
  std::vector<float> angles;     // (nTokens, rope table)
  std::vector<float> heads;      // (nBand, nHeads, padded headDim) queries as the cache rows lie
  std::vector<std::vector<float>> scores;  // per thread: kHeadGroup times (positions,), then (2, headDim)
  std::vector<uint32_t> partOf;    // (nTokens,) which part of the step a row belongs to
  std::vector<size_t> headRowOf;   // (wanted,) the row of x that a row of logits is made from
};

}  // namespace swarm
