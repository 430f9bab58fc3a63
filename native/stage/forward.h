// Runs positions through a stage's layers, in the order of the papers: norm, attention, norm, feed
// forward. Portable: which instructions compute is the kernel table's business.

#pragma once

#include <atomic>
#include <memory>
#include <vector>

#include "kv_cache.h"
#include "rope.h"
#include "sampler.h"
#include "status.h"
#include "team.h"
#include "weights.h"
#include "workspace.h"

namespace swarm {

// Consecutive positions of one session in a step.
struct StepPart {
  KvCache* cache = nullptr;
  size_t position = 0;
  size_t nTokens = 0;
  const int32_t* ids = nullptr;    // (nTokens,) when the step starts at layer 0, each below the vocabulary
  const uint8_t* input = nullptr;  // f32 (nTokens, dim) otherwise; any alignment
  uint8_t* output = nullptr;       // f32 (nTokens, dim) when the step ends before the last layer
  Sampler* sampler = nullptr;      // when it ends with the last layer: choose the next token
  // (nTokens - 1,) with a sampler: what the positions after the first were guessed to hold. A token is
  // chosen after each position for as long as the one before it was guessed right.
  const int32_t* draft = nullptr;
  float* logits = nullptr;         // when it ends with the last layer: (nTokens or 1, vocab)
  bool allLogits = false;
  const std::atomic<int>* cancel = nullptr;

  Status status;                   // result; on failure the cache's length is what it was
  std::vector<Sampled> sampled;    // result, with a sampler: at least one, in order
  size_t row = 0;                  // its first row in the workspace
  size_t headRow = 0;              // its first row of logits
  size_t headRows = 0;
};

// Parts of different sessions through layers [start, end): weights are read once for all of them. What
// one part computes, how it fails and when it is cancelled does not touch the others.
struct Step {
  size_t start = 0, end = 0;
  int threads = 0;  // that take part; 0: as many as are fastest now
  std::vector<StepPart> parts;
};

class Forward {
 public:
  Forward(const ModelConfig& config, const KernelTable& kernels, Weights& weights)
      : config_(config), kernels_(kernels), weights_(weights) {}

  // Runs the parts of `due`, which are checked, of one step.
  void run(const Step& step, const std::vector<StepPart*>& due, Team& team);

 private:
  enum Trouble : int { kNone, kNotFinite, kUnread, kCancel };

  // Rows of a step that go through a layer together.
  struct Band {
    size_t first, count;
  };

  // out = weight * x, then bias, then, if it is a half's last, the residual stream += out.
  struct Product {
    const Matrix* weight;
    Rows* x;
    Rows* out;
    const Matrix* bias;
    bool isLast;
    // Chunk by chunk, when this product is the second of a pair: gate = silu(gate) * out.
    Rows* gate;
  };

  void embed(Team& team);
  void attentionHalf(const Layer& layer, size_t index, Band band, Team& team, int thread);
  void placeHeads(const Layer& layer, size_t index, Band band, size_t t);
  void attend(size_t index, Band band, size_t t, size_t kvHead, float* scratch);
  void gateUp(const Layer& layer, Band band, Team& team);
  void down(const Layer& layer, Band band, Team& team);
  void headOver(Team& team);
  void normRows(const Matrix& weight, Formats formats, Band band, Team& team);
  void quantiseRow(Rows& rows, size_t t, Formats formats, size_t part);
  void quantiseRows(Rows& rows, Formats formats, Band band, Team& team);
  void multiply(const Product* products, size_t count, Band band, Team& team);
  bool areOver();
  bool passLayer(size_t index, Team& team, int thread);
  bool goOn(Team& team, int thread, size_t layer = SIZE_MAX, LayerPart part = LayerPart::Attention);
  void leave(int thread, size_t layer, LayerPart part);
  void prepare(size_t start, size_t end, int threads);
  void finishPart(size_t index);
  void settle(size_t start, size_t end);

  const StepPart& partOf(size_t row) const { return *parts_[work_.partOf[row]]; }
  void note(size_t part, Trouble trouble) {
    trouble_[part].store(trouble, std::memory_order_relaxed);
  }

  const ModelConfig& config_;
  const KernelTable& kernels_;
  Weights& weights_;
  std::unique_ptr<Rope> rope_;
  Workspace work_;
  // Of the step that runs.
  std::vector<StepPart*> parts_;
  size_t nRows_ = 0, nHeadRows_ = 0;
  uint64_t bytesPerLayer_ = 0;
  std::unique_ptr<std::atomic<int>[]> trouble_;  // per part; any thread may note one
  size_t troubles_ = 0;                          // room in it
  bool stop_ = false;                            // thread 0 decides, see goOn
  Status unread_;                                // why a part could not be read from disk
};

}  // namespace swarm
