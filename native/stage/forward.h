// Runs positions through a stage's layers, in the order of the papers: norm, attention, norm, feed
// forward. Portable: which instructions compute is the kernel table's business.

#pragma once

#include <atomic>
#include <memory>

#include "kv_cache.h"
#include "rope.h"
#include "sampler.h"
#include "status.h"
#include "team.h"
#include "weights.h"
#include "workspace.h"

namespace swarm {

// One step: consecutive positions of one session through layers [start, end).
struct Step {
  KvCache* cache = nullptr;
  size_t start = 0, end = 0;
  size_t position = 0;
  size_t nTokens = 0;
  const int32_t* ids = nullptr;    // (nTokens,) when start is 0, each below the vocabulary
  const uint8_t* input = nullptr;  // f32 (nTokens, dim) otherwise; any alignment
  uint8_t* output = nullptr;       // f32 (nTokens, dim) when end is before the last layer
  Sampler* sampler = nullptr;      // when end is the last layer: choose the next token
  float* logits = nullptr;         // when end is the last layer: (nTokens or 1, vocab)
  bool allLogits = false;
  const std::atomic<int>* cancel = nullptr;
  int threads = 0;                 // that take part; 0: as many as are fastest now
  uint32_t token = 0;              // result, with a sampler
};

class Forward {
 public:
  Forward(const ModelConfig& config, const KernelTable& kernels, const Weights& weights)
      : config_(config), kernels_(kernels), weights_(weights) {}

  // On failure the cache's length is what it was.
  Status run(Step& step, Team& team);

 private:
  enum Trouble : int { kNone, kNotFinite, kCancel };

  // out = weight * x, then bias, then, if there is a target, target += out.
  struct Product {
    const Matrix* weight;
    Rows* x;
    Rows* out;
    const Matrix* bias;
    Rows* target;
    // Chunk by chunk, when this product is the second of a pair: gate = silu(gate) * out.
    Rows* gate;
    size_t firstRow;  // of x
  };

  void embed(const Step& step, Team& team);
  void attentionHalf(const Layer& layer, size_t index, const Step& step, Team& team, int thread);
  void placeHeads(const Layer& layer, size_t index, const Step& step, size_t t);
  void attend(const Step& step, size_t index, size_t t, size_t kvHead, float* scratch);
  void feedForwardHalf(const Layer& layer, const Step& step, Team& team);
  void headOver(const Step& step, Team& team);
  void normRows(const Rows& from, const Matrix& weight, Rows& to, size_t first, size_t nTokens,
                Formats formats, Team& team);
  void quantiseRow(Rows& rows, size_t t, Formats formats);
  void quantiseRows(Rows& rows, size_t nTokens, Formats formats, Team& team);
  void multiply(const Product* products, size_t count, size_t nTokens, Team& team);
  bool goOn(const Step& step, Team& team, int thread);
  void prepare(const Step& step, bool needsHead, int threads);
  Status finish(Step& step, bool needsHead);

  void note(Trouble trouble) { trouble_.store(trouble, std::memory_order_relaxed); }

  const ModelConfig& config_;
  const KernelTable& kernels_;
  const Weights& weights_;
  std::unique_ptr<Rope> rope_;
  Workspace work_;
  std::atomic<int> trouble_{kNone};  // any thread may note one
  bool stop_ = false;                // thread 0 decides, see goOn
};

}  // namespace swarm
