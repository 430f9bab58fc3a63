// The weights of one model that are resident: a set of layers, one buffer each, so that it can grow and
// shrink without touching the layers that stay. Reads the file in parallel, a slice of time at a time so
// that steps can run between, and closes it; nothing of a model is mapped while it computes.

#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "config.h"
#include "huge_buffer.h"
#include "status.h"
#include "team.h"

namespace swarm {

struct Matrix {
  Type type = Type::F32;
  size_t rows = 0;
  size_t cols = 0;
  const uint8_t* data = nullptr;  // layout.h; null when the tensor is absent

  explicit operator bool() const { return data != nullptr; }
  const float* floats() const { return (const float*)data; }
};

// The tensors of one layer, or those that belong to none, by role.
struct Layer {
  HugeBuffer memory;
  Matrix tensor[(int)Role::Count];

  const Matrix& operator[](Role role) const { return tensor[(int)role]; }
};

// Layers [start, end).
struct LayerSpan {
  size_t start = 0;
  size_t end = 0;

  bool operator==(const LayerSpan& other) const { return start == other.start && end == other.end; }
};

// How far a load has come.
struct LoadProgress {
  uint64_t doneBytes = 0;
  uint64_t totalBytes = 0;
  bool isDone = false;
};

class Weights {
 public:
  explicit Weights(const ModelConfig& config);
  ~Weights();

  // Makes exactly these layers resident, with the token table where the first layer is among them and the
  // head where the last is. One call reads for about `sliceMs`, at least one piece; the same spans again
  // go on until isDone, other spans begin anew. Layers outside are freed first, those that stay are not
  // read again, and new ones serve from the end of the call that read their last piece, in the order of
  // the spans. On failure the layers that serve stay and what was read of others is freed.
  Status load(const std::vector<LayerSpan>& spans, Team& team, const std::atomic<int>* cancel, int sliceMs,
              LoadProgress* progress);

  const Layer* layer(size_t index) const { return layers_[index].get(); }
  // Tensors that every stage needs, whatever its layers (rope_freqs.weight). Never null after load.
  const Layer* common() const { return common_.get(); }
  // The token table: of whoever has the first layer, or the last one where the head is tied to it.
  const Layer* embedding() const { return embedding_.get(); }
  const Layer* head() const { return head_.get(); }
  // Also while a load runs on another thread; what is being read counts.
  uint64_t residentBytes() const { return residentBytes_.load(std::memory_order_relaxed); }

 private:
  class File;
  // Rows of one tensor, read at once.
  struct Piece {
    const TensorPlace* place;
    size_t firstRow;
    size_t rows;
    uint8_t* matrix;
    size_t fresh;  // index of the buffer that it is part of
    bool isRead;
  };
  // A buffer that is being read, and where it goes then.
  struct Fresh {
    std::unique_ptr<Layer>* slot;
    std::unique_ptr<Layer> layer;
  };

  Status begin(const std::vector<LayerSpan>& spans);
  Status plan(std::unique_ptr<Layer>& slot, int layer, const std::vector<Role>& roles);
  Status checkRotation(const Layer& common) const;
  Status read(Team& team, const std::atomic<int>* cancel, int sliceMs);
  void install();
  void giveUp();
  void count();

  const ModelConfig& config_;
  std::vector<std::unique_ptr<Layer>> layers_;
  std::unique_ptr<Layer> common_;
  std::unique_ptr<Layer> embedding_;
  std::unique_ptr<Layer> head_;

  // The load that has begun and not ended; its file is open until then, and loses nothing with its name.
  std::unique_ptr<File> file_;
  std::vector<LayerSpan> spans_;
  std::vector<Piece> pieces_;
  std::vector<Fresh> fresh_;
  LoadProgress progress_;
  std::atomic<uint64_t> residentBytes_{0};
};

}  // namespace swarm
