// Models of a few layers, made from a recipe and written to a file: what stage_check.cpp runs and damages.

#pragma once

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <string>

#include "../stage/config.h"
#include "generate.h"

namespace swarm {

struct Recipe {
  const char* name;
  size_t dim, hiddenDim, nLayers, nHeads, nKvHeads, headDim, vocabSize;
  Type attention, feedForward, table;
  bool tied, halves, biases, headNorms, ropeFreqs;
};

// Sizes that fill a packed group and some that do not, heads of every padding, every family of types.
inline const Recipe kRecipes[] = {
    {"llama", 256, 512, 3, 4, 2, 64, 99, Type::Q4_K, Type::Q6_K, Type::Q6_K, false, false, false, false,
     false},
    {"qwen2", 256, 256, 2, 4, 4, 64, 48, Type::Q3_K, Type::Q2_K, Type::Q5_K, true, true, true, false,
     false},
    {"qwen3", 64, 96, 2, 2, 1, 48, 33, Type::Q8_0, Type::Q5_1, Type::F16, true, true, false, true, false},
    {"odd", 160, 96, 5, 5, 1, 32, 17, Type::Q4_0, Type::Q5_0, Type::BF16, false, false, true, false, true},
    {"small", 32, 32, 1, 3, 3, 10, 5, Type::F32, Type::Q4_1, Type::F32, false, false, false, false, true},
};

struct MadeModel {
  ModelConfig config;
  std::vector<uint8_t> file;
};

inline void addTensor(MadeModel& model, Random& random, Role role, int layer, Type type, size_t rows,
                      size_t cols) {
  const bool vector = rows == 1;
  // Scales below a thousandth, so that a random model stays in range.
  std::vector<uint8_t> bytes = fileRows(random, type, rows, cols, 0x1400);
  if (vector) {
    for (size_t i = 0; i < cols; i++) {
      const float value = role == Role::RopeFreqs ? 1 + (float)(random.next() % 7)
                                                  : 1 + random.value() / 1000;
      memcpy(&bytes[i * 4], &value, 4);
    }
  }
  // Not aligned on purpose: the format asks for 32 bytes, the engine for nothing.
  model.file.resize(model.file.size() + random.next() % 5);
  model.config.tensors.push_back({role, layer, type, rows, cols, model.file.size(),
                                  std::to_string((int)role) + "." + std::to_string(layer)});
  model.file.insert(model.file.end(), bytes.begin(), bytes.end());
}

inline MadeModel makeModel(const Recipe& r) {
  MadeModel model;
  Random random = {r.dim};
  ModelConfig& c = model.config;
  c.dim = r.dim, c.hiddenDim = r.hiddenDim, c.nLayers = r.nLayers, c.nHeads = r.nHeads;
  c.nKvHeads = r.nKvHeads, c.headDim = r.headDim, c.vocabSize = r.vocabSize;
  c.normEpsilon = 1e-5f;
  c.rope.halves = r.halves;
  c.rope.dims = r.headDim;
  const size_t q = r.nHeads * r.headDim, kv = r.nKvHeads * r.headDim;
  addTensor(model, random, Role::TokenEmbedding, -1, r.table, r.vocabSize, r.dim);
  if (r.ropeFreqs) addTensor(model, random, Role::RopeFreqs, -1, Type::F32, 1, r.headDim / 2);
  for (int i = 0; i < (int)r.nLayers; i++) {
    addTensor(model, random, Role::AttnNorm, i, Type::F32, 1, r.dim);
    addTensor(model, random, Role::AttnQ, i, r.attention, q, r.dim);
    addTensor(model, random, Role::AttnK, i, r.attention, kv, r.dim);
    addTensor(model, random, Role::AttnV, i, r.attention, kv, r.dim);
    if (r.biases) {
      addTensor(model, random, Role::AttnQBias, i, Type::F32, 1, q);
      addTensor(model, random, Role::AttnKBias, i, Type::F32, 1, kv);
      addTensor(model, random, Role::AttnVBias, i, Type::F32, 1, kv);
    }
    if (r.headNorms) {
      addTensor(model, random, Role::AttnQNorm, i, Type::F32, 1, r.headDim);
      addTensor(model, random, Role::AttnKNorm, i, Type::F32, 1, r.headDim);
    }
    // The columns of this one are q, which need not be whole blocks of the attention's type.
    const Type output = q % blockValues(r.attention) == 0 ? r.attention : Type::F16;
    addTensor(model, random, Role::AttnOutput, i, output, r.dim, q);
    addTensor(model, random, Role::FfnNorm, i, Type::F32, 1, r.dim);
    addTensor(model, random, Role::FfnGate, i, r.feedForward, r.hiddenDim, r.dim);
    addTensor(model, random, Role::FfnUp, i, r.feedForward, r.hiddenDim, r.dim);
    addTensor(model, random, Role::FfnDown, i, r.feedForward, r.dim, r.hiddenDim);
  }
  addTensor(model, random, Role::OutputNorm, -1, Type::F32, 1, r.dim);
  if (!r.tied) addTensor(model, random, Role::Output, -1, r.table, r.vocabSize, r.dim);
  return model;
}

// Writes the file; the configuration then names it as it is now.
inline void place(ModelConfig& config, const std::vector<uint8_t>& file, const std::string& path) {
  FILE* out = fopen(path.c_str(), "wb");
  const bool written = out && fwrite(file.data(), 1, file.size(), out) == file.size();
  if (!out || fclose(out) != 0 || !written) {
    perror(path.c_str());
    exit(2);
  }
  struct stat info;
  stat(path.c_str(), &info);
  config.path = path;
  config.sizeBytes = (uint64_t)info.st_size;
  config.mtimeNs = (int64_t)info.st_mtim.tv_sec * 1000000000 + info.st_mtim.tv_nsec;
}

}  // namespace swarm
