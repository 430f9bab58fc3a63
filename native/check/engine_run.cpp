// Steps as the binding asks for them, one session at a time.

#include "engine_run.h"

namespace swarm {

std::vector<size_t> allParts(size_t nLayers) {
  std::vector<size_t> parts;
  for (size_t part = 0; part < nLayers * kLayerParts; part++) parts.push_back(part);
  return parts;
}

std::vector<size_t> someParts(Random& random, size_t nLayers) {
  std::vector<size_t> parts;
  uint32_t amount[kLayerParts];
  size_t one[kLayerParts];
  for (size_t kind = 0; kind < kLayerParts; kind++) {
    amount[kind] = random.next() % 4;
    one[kind] = random.next() % nLayers;
  }
  for (const size_t part : allParts(nLayers)) {
    const size_t kind = part % kLayerParts;
    const bool isThere = amount[kind] == 3 || (amount[kind] == 2 && random.next() % 2 == 0) ||
                         (amount[kind] == 1 && part / kLayerParts == one[kind]);
    if (isThere) parts.push_back(part);
  }
  return parts;
}

Status loadAll(Model& model, const LoadWish& wish, const std::function<void()>& between) {
  for (;;) {
    LoadProgress progress;
    std::vector<LayerSpan> held;
    const Status status = model.load(wish, nullptr, 0, &progress, &held);
    if (!status.ok() || progress.isDone) return status;
    between();
  }
}

Status runPass(Model& model, const Pass& pass, std::vector<float>& x, uint32_t* token) {
  const ModelConfig& config = model.config();
  const size_t dim = config.dim, vocab = config.vocabSize;
  const bool last = pass.end == config.nLayers;
  KvCache cache;
  const Type kvType = pass.half ? Type::F16 : Type::F32;
  cache.open(config, pass.start, pass.end, kPositions + 1, kvType, model.kv());
  Sampler sampler(model.kernels(), {}, 0);
  std::vector<float> out(kPositions * (last ? vocab : dim));
  for (size_t at = 0; at < kPositions; at += pass.chunk) {
    Step step;
    step.start = pass.start, step.end = pass.end;
    StepPart part;
    part.cache = &cache;
    part.position = at;
    part.nTokens = pass.chunk < kPositions - at ? pass.chunk : kPositions - at;
    std::vector<int32_t> ids;
    for (size_t t = 0; t < part.nTokens; t++) ids.push_back((int32_t)((at + t) * 7 % vocab));
    if (pass.start == 0) part.ids = ids.data();
    else part.input = (const uint8_t*)&x[at * dim];
    if (last) {
      part.logits = &out[at * vocab];
      part.allLogits = true;
      part.sampler = &sampler;
    } else {
      part.output = (uint8_t*)&out[at * dim];
    }
    step.parts.push_back(part);
    model.step(step);
    const StepPart& done = step.parts[0];
    if (!done.status.ok()) return done.status;
    if (last) *token = done.sampled.back().id;
  }
  x = out;
  return {};
}

Status runPass(ModelConfig config, const KernelTable& table, const Pass& pass, std::vector<float>& x,
               uint32_t* token) {
  config.threads = pass.threads;
  LoadWish wish = {{{pass.start, pass.end}}, {}};
  for (const size_t part : pass.onDisk) {
    const size_t layer = part / kLayerParts;
    if (pass.start <= layer && layer < pass.end) wish.onDisk.push_back(part);
  }
  Model model(config, table);
  const Status status = loadAll(model, wish);
  return status.ok() ? runPass(model, pass, x, token) : status;
}

}  // namespace swarm
