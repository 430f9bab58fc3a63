// Chooses a token from a row of logits, docs/arithmetic.md section 8. One per session, on the last
// stage: it holds the counts of generated ids (for the penalties) and the chained hash of the rows.

#pragma once

#include <stddef.h>
#include <stdint.h>

#include <unordered_map>
#include <utility>
#include <vector>

#include "../kernels/kernels.h"

namespace swarm {

struct Sampling {
  float temperature = 0;
  size_t topK = 0;
  float topP = 1;
  float minP = 0;
  float presencePenalty = 0;
  float frequencyPenalty = 0;
  uint64_t seed = 0;
  std::vector<std::pair<uint32_t, float>> bias;  // (id, value), ids below the vocabulary
};

// A token, and the hash of every row sampled from up to its own.
struct Sampled {
  uint32_t id = 0;
  uint64_t logitsHash = 0;
};

class Sampler {
 public:
  // `hash` is that of the rows sampled from before, 0 when there are none.
  Sampler(const KernelTable& kernels, Sampling sampling, uint64_t hash)
      : kernels_(kernels), sampling_(std::move(sampling)), hash_(hash) {}

  // An id that another sampler of the same session chose before.
  void count(uint32_t id) { generated_[id]++; }

  // `logits` (vocab,), finite. `position` is the index of the token being chosen.
  Sampled sample(const float* logits, size_t vocab, uint64_t position);

 private:
  struct Candidate {
    float z;
    uint32_t id;
  };
  uint32_t draw(size_t vocab, uint64_t position);

  const KernelTable& kernels_;
  const Sampling sampling_;
  std::unordered_map<uint32_t, uint32_t> generated_;
  uint64_t hash_;
  std::vector<float> z_, weights_;
  std::vector<Candidate> order_;
};

// The lowest id of the largest value.
uint32_t largest(const float* values, size_t n);

}  // namespace swarm
