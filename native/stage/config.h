// What a stage must know of its model before any weight is read: hyperparameters and where each tensor
// lies in the file. Filled by the binding from src/model, which has validated it; sizes and offsets are
// still checked against the file when it is read.

#pragma once

#include <stdint.h>

#include <string>
#include <vector>

#include "../kernels/blocks.h"

namespace swarm {

// Order shared with src/compute/native-config.ts.
enum class Role : int {
  TokenEmbedding,
  OutputNorm,
  Output,
  RopeFreqs,
  AttnNorm,
  AttnQ,
  AttnQBias,
  AttnK,
  AttnKBias,
  AttnV,
  AttnVBias,
  AttnQNorm,
  AttnKNorm,
  AttnOutput,
  AttnOutputBias,
  FfnNorm,
  FfnGate,
  FfnUp,
  FfnDown,
  Count,
};

// Of one row and of floats; all others are matrices.
inline bool isVector(Role role) {
  switch (role) {
    case Role::TokenEmbedding:
    case Role::Output:
    case Role::AttnQ:
    case Role::AttnK:
    case Role::AttnV:
    case Role::AttnOutput:
    case Role::FfnGate:
    case Role::FfnUp:
    case Role::FfnDown: return false;
    default: return true;
  }
}

struct TensorPlace {
  Role role;
  int layer;  // -1: not of a layer
  Type type;
  size_t rows;
  size_t cols;
  uint64_t offset;
  std::string name;  // for messages
};

enum class RopeScaling : int { None, Linear, Llama3, Yarn };

struct RopeConfig {
  bool halves = false;  // pair (i, i + dims/2), else (2i, 2i + 1)
  size_t dims = 0;
  double base = 10000;
  RopeScaling scaling = RopeScaling::None;
  double factor = 1;
  double originalContext = 0;
  double lowFreqFactor = 1, highFreqFactor = 4;                          // llama3
  double betaFast = 32, betaSlow = 1, attnFactor = 1, extFactor = 1;     // yarn
};

// Bound of headDim: the largest published one is 256.
constexpr size_t kHeadDimMax = 1024;

struct ModelConfig {
  std::string path;
  uint64_t sizeBytes = 0;
  int64_t mtimeNs = 0;
  int threads = 1;
  std::vector<std::vector<int>> places;  // processors of each thread; none, or an empty list: any
  size_t dim = 0, hiddenDim = 0, nLayers = 0, nHeads = 0, nKvHeads = 0, headDim = 0, vocabSize = 0;
  float normEpsilon = 0;
  RopeConfig rope;
  std::vector<TensorPlace> tensors;
};

}  // namespace swarm
