// One model on this machine: its resident weights, the threads that compute with them and the step
// that they run. Checks what a step may assume; knows no JavaScript.

#pragma once

#include "../kernels/dispatch.h"
#include "forward.h"

namespace swarm {

class Model {
 public:
  Model(ModelConfig config, const KernelTable& kernels)
      : config_(std::move(config)),
        kernels_(kernels),
        team_(config_.threads),
        weights_(config_),
        forward_(config_, kernels_, weights_) {}

  const ModelConfig& config() const { return config_; }
  const KernelTable& kernels() const { return kernels_; }
  uint64_t residentBytes() const { return weights_.residentBytes(); }

  // As Weights::load; `held` are the layers that serve then, in spans that do not touch.
  Status load(const LoadWish& wish, const std::atomic<int>* cancel, int sliceMs,
              LoadProgress* progress, std::vector<LayerSpan>* held);

  // Runs the parts that may run; each part's status says how it went.
  void step(Step& step);

  const std::shared_ptr<KvPool>& kv() const { return kv_; }

 private:
  void settleThreads();
  Status check(const Step& step) const;
  Status checkPart(const Step& step, const StepPart& part) const;

  const ModelConfig config_;
  const KernelTable& kernels_;
  Team team_;
  Weights weights_;
  Forward forward_;
  bool settled_ = false;
  // Outlives the model for as long as a cache has pages.
  const std::shared_ptr<KvPool> kv_ = std::make_shared<KvPool>();
};

}  // namespace swarm
