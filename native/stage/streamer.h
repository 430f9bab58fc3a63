// Layers that stay on disk: for each pass through them they are read again, ahead of the computation, into
// the room of one of them. It is filled part by part: a part is read into its place as soon as the same part
// of the layer before has been computed. Reading goes round in the layers' order, past the last one to the
// first, so the disk works while other layers compute, here and elsewhere, and between two passes. Owns the
// room, reading threads and the open file; which layers these are is its caller's decision.

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

  // Exactly these layers from now on, ascending; none frees everything. Nobody has taken a part.
  Status setLayers(const std::vector<size_t>& layers);
  bool has(size_t layer) const;
  // Of one of them, were it in a buffer of its own.
  size_t layerBytes(size_t layer) const;
  // Of the room.
  uint64_t residentBytes() const { return room_.memory.size(); }

  // Waits until the part has been read; it stays until given back, and taking it again changes nothing.
  // False with a status where it cannot be read, and with none when `isOver`, which is asked from time to
  // time, says so.
  bool take(size_t layer, LayerPart part, const std::function<bool()>& isOver, Status* status);
  // Nothing where nobody has taken it.
  void giveBack(LayerPart part);
  // With the tensors of the parts that are taken.
  const Layer* taken() const { return &room_; }

 private:
  enum class State { Free, Filling, Ready, Taken };
  struct Place {
    State state = State::Free;
    size_t unit = 0;  // that is or was there
    size_t at = 0;    // bytes from the room's beginning
    size_t nextPiece = 0;
    size_t donePieces = 0;
    Status status;
  };

  void stop();
  void readLoop();
  size_t indexOf(size_t layer) const;
  Place& placeOf(size_t unit) { return places_[unit % kLayerParts]; }
  bool isThere(size_t unit);
  Place* placeToRead();

  const ModelConfig& config_;
  std::vector<size_t> layers_;
  std::vector<LayerLayout> layouts_;  // of each unit: the parts of each layer, in their order
  std::unique_ptr<ModelFile> file_;
  std::vector<std::thread> threads_;

  mutable std::mutex mutex_;
  std::condition_variable work_;   // there is a piece to read, or the end
  std::condition_variable ready_;  // a part was read
  Layer room_;
  Place places_[kLayerParts];
  size_t next_ = 0;  // unit to be read next
  bool stopping_ = false;
};

}  // namespace swarm
