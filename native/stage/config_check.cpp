// Shapes against hyperparameters, block lengths, and products that fit 64 bits.

#include "config_check.h"

#include <math.h>

#include "layout.h"

namespace swarm {

namespace {

struct Shape {
  size_t rows, cols;
};

// The only shape that a tensor of this role may have.
Shape shapeOf(const ModelConfig& c, Role role) {
  const size_t q = c.nHeads * c.headDim, kv = c.nKvHeads * c.headDim;
  switch (role) {
    case Role::TokenEmbedding:
    case Role::Output: return {c.vocabSize, c.dim};
    case Role::RopeFreqs: return {1, c.rope.dims / 2};
    case Role::AttnQ: return {q, c.dim};
    case Role::AttnQBias: return {1, q};
    case Role::AttnK:
    case Role::AttnV: return {kv, c.dim};
    case Role::AttnKBias:
    case Role::AttnVBias: return {1, kv};
    case Role::AttnQNorm:
    case Role::AttnKNorm: return {1, c.headDim};
    case Role::AttnOutput: return {c.dim, q};
    case Role::FfnGate:
    case Role::FfnUp: return {c.hiddenDim, c.dim};
    case Role::FfnDown: return {c.dim, c.hiddenDim};
    case Role::OutputNorm:
    case Role::AttnNorm:
    case Role::AttnOutputBias:
    case Role::FfnNorm:
    case Role::Count: break;
  }
  return {1, c.dim};
}

Status badTensor(const TensorPlace& place, const char* what) {
  return Status::fail("MODEL_BAD_TENSOR", "tensor " + place.name + " " + what);
}

Status checkTensor(const ModelConfig& config, const TensorPlace& place) {
  if ((int)place.role < 0 || (int)place.role >= (int)Role::Count) return badTensor(place, "has no role");
  if (place.layer < -1 || place.layer >= (int)config.nLayers) return badTensor(place, "has no layer");
  if (!isKnownType((int)place.type)) return badTensor(place, "has a type that the engine does not know");
  const Shape shape = shapeOf(config, place.role);
  if (place.rows != shape.rows || place.cols != shape.cols) return badTensor(place, "has a wrong shape");
  if (isVector(place.role) && place.type != Type::F32) return badTensor(place, "must be F32");
  if (place.cols % blockValues(place.type) != 0) return badTensor(place, "has rows of broken blocks");
  uint64_t bytes = 0;
  const bool wraps = __builtin_mul_overflow((uint64_t)place.rows,
                                            (uint64_t)fileRowBytes(place.type, place.cols), &bytes);
  if (wraps || place.offset > config.sizeBytes || bytes > config.sizeBytes - place.offset) {
    return badTensor(place, "lies outside the file");
  }
  return {};
}

}  // namespace

Status checkConfig(const ModelConfig& c) {
  const bool sane = c.dim > 0 && c.hiddenDim > 0 && c.nLayers > 0 && c.nKvHeads > 0 && c.headDim > 0 &&
                    c.vocabSize > 0 && c.nHeads % c.nKvHeads == 0 && c.nHeads > 0 &&
                    c.headDim <= kHeadDimMax && c.rope.dims % 2 == 0 && c.rope.dims <= c.headDim &&
                    c.nHeads <= 65536 && c.dim < (size_t(1) << 32) && c.hiddenDim < (size_t(1) << 32) &&
                    c.vocabSize < (size_t(1) << 32) && c.nLayers <= 65536 && isfinite(c.normEpsilon);
  if (!sane) return Status::fail("MODEL_BAD_METADATA", "the hyperparameters do not fit the engine");
  std::vector<bool> seen((c.nLayers + 1) * (size_t)Role::Count);
  for (const TensorPlace& place : c.tensors) {
    const Status status = checkTensor(c, place);
    if (!status.ok()) return status;
    const size_t slot = (size_t)(place.layer + 1) * (size_t)Role::Count + (size_t)place.role;
    if (seen[slot]) return badTensor(place, "is there twice");
    seen[slot] = true;
  }
  const auto has = [&](int layer, Role role) {
    return seen[(size_t)(layer + 1) * (size_t)Role::Count + (size_t)role];
  };
  bool complete = has(-1, Role::TokenEmbedding) && has(-1, Role::OutputNorm);
  for (int i = 0; i < (int)c.nLayers; i++) {
    for (const Role role : {Role::AttnNorm, Role::AttnQ, Role::AttnK, Role::AttnV, Role::AttnOutput,
                            Role::FfnNorm, Role::FfnGate, Role::FfnUp, Role::FfnDown}) {
      complete = complete && has(i, role);
    }
  }
  if (!complete) return Status::fail("MODEL_BAD_TENSOR", "a tensor that the engine needs is missing");
  return {};
}

}  // namespace swarm
