// What must hold before a step may run. The stage host asks for the right thing; a wrong request is
// refused here all the same, because it may come from another machine.

#include "model.h"

#include "affinity.h"

namespace swarm {

namespace {
std::string range(size_t start, size_t end) {
  return std::to_string(start) + "-" + std::to_string(end - 1);
}
}  // namespace

// Before the first page of weights is touched; the caller is thread 0 from now on.
void Model::settleThreads() {
  if (settled_) return;
  settled_ = true;
  if (config_.places.empty()) return;
  team_.run([&](int thread) {
    if ((size_t)thread < config_.places.size()) stayOn(config_.places[(size_t)thread]);
  });
}

Status Model::load(const LoadWish& wish, const std::atomic<int>* cancel, int sliceMs, LoadProgress* progress,
                   std::vector<LayerSpan>* held) {
  settleThreads();
  const Status status = weights_.load(wish, team_, cancel, sliceMs, progress);
  held->clear();
  for (size_t i = 0; i < config_.nLayers; i++) {
    if (!weights_.has(i)) continue;
    if (!held->empty() && held->back().end == i) held->back().end++;
    else held->push_back({i, i + 1});
  }
  return status;
}

Status Model::check(const Step& step) const {
  if (step.start >= step.end || step.end > config_.nLayers) {
    return Status::fail("NATIVE_FAILED", "a step needs layers of the model");
  }
  bool held = true;
  for (size_t i = step.start; i < step.end; i++) held = held && weights_.has(i);
  if (held) return {};
  return Status::fail("STAGE_NOT_LOADED", "layers " + range(step.start, step.end) +
                                              " are not loaded here; the plan has changed, ask again");
}

Status Model::checkPart(const Step& step, const StepPart& part) const {
  const KvCache& cache = *part.cache;
  if (part.nTokens == 0) {
    return Status::fail("NATIVE_FAILED", "a step needs at least one position");
  }
  if (step.start < cache.start() || step.end > cache.end()) {
    return Status::fail("NATIVE_FAILED", "layers " + range(step.start, step.end) +
                                             " are not those of the session's cache");
  }
  for (const StepPart& other : step.parts) {
    if (&other == &part) break;
    if (other.cache == part.cache) {
      return Status::fail("NATIVE_FAILED", "two parts of a step use one cache");
    }
  }
  for (size_t i = step.start; i < step.end; i++) {
    if (part.position == cache.lengthOf(i)) continue;
    return Status::fail("STAGE_POSITION_GAP", "position " + std::to_string(part.position) +
                                                  " does not follow the " +
                                                  std::to_string(cache.lengthOf(i)) + " cached ones");
  }
  if (part.nTokens > cache.capacity() - part.position) {
    return Status::fail("STAGE_FULL", "the session's " + std::to_string(cache.capacity()) +
                                          " positions are used up; start it with a larger --ctx");
  }
  for (size_t t = 0; t < part.nTokens && part.ids; t++) {
    if (part.ids[t] < 0 || (size_t)part.ids[t] >= config_.vocabSize) {
      return Status::fail("WIRE_BAD_FRAME", "token id " + std::to_string(part.ids[t]) +
                                                " is not in the vocabulary of " +
                                                std::to_string(config_.vocabSize));
    }
  }
  return {};
}

void Model::step(Step& step) {
  const Status status = check(step);
  std::vector<StepPart*> due;
  for (StepPart& part : step.parts) {
    part.status = status.ok() ? checkPart(step, part) : status;
    if (part.status.ok()) part.status = part.cache->reserve(part.position, part.nTokens);
    if (part.status.ok()) due.push_back(&part);
  }
  if (!due.empty()) forward_.run(step, due, team_);
}

}  // namespace swarm
