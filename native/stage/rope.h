// Rotary position embedding: the frequencies of a model, made once, and the rotation of heads
// (docs/arithmetic.md section 6).

#pragma once

#include <stddef.h>

#include <vector>

#include "config.h"

namespace swarm {

class Rope {
 public:
  // `freqFactors` has dims / 2 elements, or none (tensor rope_freqs.weight).
  Rope(const RopeConfig& config, const std::vector<float>& freqFactors);

  // table (dims / 2, 2): cosine and sine of every pair at this position, times the magnitude.
  void angles(size_t position, float* table) const;
  // Rotates the first `dims` elements of one head in place.
  void rotate(const float* table, float* head) const;

  // Whether every angle of a context is a number: frequencies are positive and not absurd. Keys and factors
  // come from the file.
  bool isSane() const;

  size_t tableFloats() const { return frequency_.size() * 2; }

 private:
  bool halves_;
  double magnitude_ = 1;
  std::vector<double> frequency_;  // (dims / 2,)
};

}  // namespace swarm
