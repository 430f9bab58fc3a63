// Layers that stay on disk: for each pass through them they are read again, ahead of the computation, into
// two slots in turn. Reading goes round in their order, past the last one to the first, so the disk works
// while other layers compute, here and elsewhere, and between two passes. Owns slots, reading threads and
// the open file; which layers these are is its caller's decision.

#pragma once

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "layer_layout.h"

namespace swarm {

class Streamer {
 public:
  explicit Streamer(const ModelConfig& config) : config_(config) {}
  ~Streamer() { stop(); }

  // Exactly these layers from now on, ascending; none frees everything. Nobody has taken one.
  Status setLayers(const std::vector<size_t>& layers);
  const std::vector<size_t>& layers() const { return layers_; }
  bool has(size_t layer) const;
  // Of one of them, were it in a buffer of its own.
  size_t layerBytes(size_t layer) const;
  // Of the slots.
  uint64_t residentBytes() const;

  // The layer once it has been read; it stays until given back, one at a time. Null with a status where it
  // cannot be read, and with none when `isOver`, which is asked from time to time, says so.
  const Layer* take(size_t layer, const std::function<bool()>& isOver, Status* status);
  void giveBack();

 private:
  enum class State { Free, Filling, Ready, Taken };
  struct Slot {
    State state = State::Free;
    size_t index = 0;  // of layers_
    Layer layer;
    size_t nextPiece = 0;
    size_t donePieces = 0;
    Status status;
  };

  void stop();
  void readLoop();
  size_t indexOf(size_t layer) const;
  Slot* slotOf(size_t index);
  Slot* slotToRead();
  bool canGo(const Slot& slot) const;

  const ModelConfig& config_;
  std::vector<size_t> layers_;
  std::vector<LayerLayout> layouts_;  // of each
  std::unique_ptr<ModelFile> file_;
  std::vector<std::thread> threads_;

  mutable std::mutex mutex_;
  std::condition_variable work_;   // there is a piece to read, or the end
  std::condition_variable ready_;  // a layer was read
  std::vector<Slot> slots_;
  size_t next_ = 0;  // of layers_, the one to be read next
  bool stopping_ = false;
};

}  // namespace swarm
