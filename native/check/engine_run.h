// Made models through the engine: what to load, and positions through a range of its layers. Shared by
// stage_check.cpp and disk_check.cpp, which compare what comes out.

#pragma once

#include <functional>
#include <string>
#include <vector>

#include "../stage/model.h"
#include "made_model.h"

namespace swarm {

// Says what went wrong, and that something did.
void expect(bool good, const std::string& what);

constexpr size_t kPositions = 11;

// One stage: positions in chunks of `chunk`, hidden vectors or ids in, hidden vectors or logits out.
struct Pass {
  size_t start, end, chunk;
  int threads;
  bool half;
  std::vector<size_t> onDisk = {};  // of these parts those of its layers pass through memory
};

std::vector<size_t> allParts(size_t nLayers);
// Of each kind none, one, about half of them or all.
std::vector<size_t> someParts(Random& random, size_t nLayers);

// All of these layers, in slices as short as they get. `between` is called after each but the last.
Status loadAll(Model& model, const LoadWish& wish, const std::function<void()>& between = [] {});

// With what is loaded. `x` is what goes in, unless the pass begins with the first layer, and what comes out;
// `token` the last one that was chosen, if it ends with the last layer.
Status runPass(Model& model, const Pass& pass, std::vector<float>& x, uint32_t* token);
// The same in an engine of its own.
Status runPass(ModelConfig config, const KernelTable& table, const Pass& pass, std::vector<float>& x,
               uint32_t* token);

}  // namespace swarm
