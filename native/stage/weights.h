// The weights of one model that are resident: per layer one buffer, so that a range can grow and
// shrink without touching the layers that stay. Reads the file in parallel and closes it; nothing of
// a model is mapped while it computes.

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

class Weights {
 public:
  explicit Weights(const ModelConfig& config) : config_(config), layers_(config.nLayers) {}

  // Makes exactly layers [start, end) resident (none when they are equal), with the embedding when start
  // is 0 and the head when end is the last layer. Layers that stay are not read again; layers that go
  // are freed first. On failure what was resident before and still is in the range stays, the rest goes.
  Status load(size_t start, size_t end, Team& team, const std::atomic<int>* cancel,
              const std::function<void(uint64_t done, uint64_t total)>& progress);

  const Layer* layer(size_t index) const { return layers_[index].get(); }
  // Tensors that every stage needs, whatever its range (rope_freqs.weight). Never null after load.
  const Layer* common() const { return common_.get(); }
  const Layer* embedding() const { return embedding_.get(); }
  const Layer* head() const { return head_.get(); }
  uint64_t residentBytes() const;

 private:
  struct Piece;
  std::unique_ptr<Layer> plan(int layer, const std::vector<Role>& roles, std::vector<Piece>& pieces,
                              Status& status) const;
  Status checkRotation() const;
  Status read(const std::vector<Piece>& pieces, Team& team, const std::atomic<int>* cancel,
              const std::function<void(uint64_t, uint64_t)>& progress) const;

  const ModelConfig& config_;
  std::vector<std::unique_ptr<Layer>> layers_;
  std::unique_ptr<Layer> common_;
  std::unique_ptr<Layer> embedding_;
  std::unique_ptr<Layer> head_;
};

}  // namespace swarm
