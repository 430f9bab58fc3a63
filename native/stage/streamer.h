// Parts of layers that stay on disk: for each pass through them they are read again, ahead of the
// computation, into a room with one place for each kind of part, as large as the largest of that kind. As
// soon as a part has been computed the next one of its kind is read into its place, behind what other places
// wait for. Each kind goes round in its parts' order, past the last one to the first, so the disk works while
// other parts compute, here and elsewhere, and between two passes. Owns the room, reading threads and the
// open file; which parts these are is its caller's decision.

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

  // Exactly these parts from now on, by number, ascending; none frees everything. Nobody has taken one. On
  // failure it goes on with those it had.
  Status setParts(const std::vector<size_t>& parts);
  // Of one of them, were it in a buffer of its own.
  size_t partBytes(size_t layer, LayerPart part) const;
  // Of the room.
  uint64_t residentBytes() const { return room_.memory.size(); }

  // Waits until one of them has been read; it stays until given back, and taking it again changes nothing.
  // False with a status where it cannot be read, and with none when `isOver`, which is asked from time to
  // time, says so.
  bool take(size_t layer, LayerPart part, const std::function<bool()>& isOver, Status* status);
  // Whichever of this kind is taken; nothing where none is.
  void giveBack(LayerPart part);
  // With the tensors of the parts that are taken.
  const Layer& room() const { return room_; }

 private:
  enum class State { Free, Filling, Ready, Taken };
  // Of one kind.
  struct Place {
    State state = State::Free;
    size_t turn = 0;   // counts places that became free
    size_t index = 0;  // of the part that is or was there
    size_t nextPiece = 0;
    size_t donePieces = 0;
    Status status;
  };

  void stop();
  void readLoop();
  size_t indexOf(size_t layer, LayerPart part) const;
  size_t kindOf(size_t index) const { return parts_[index] % kLayerParts; }
  size_t after(size_t index) const;
  bool isThere(size_t index) const;
  void setFree(Place& place);
  Place* placeToRead();

  const ModelConfig& config_;
  std::vector<size_t> parts_;
  std::vector<LayerLayout> layouts_;
  size_t count_[kLayerParts] = {};  // of each kind
  size_t at_[kLayerParts] = {};     // bytes from the room's beginning to the place of each kind
  std::unique_ptr<ModelFile> file_;
  std::vector<std::thread> threads_;

  mutable std::mutex mutex_;
  std::condition_variable work_;   // there is a piece to read, or the end
  std::condition_variable ready_;  // a part was read
  Layer room_;
  Place places_[kLayerParts];
  size_t next_[kLayerParts] = {};  // of each kind, index of the part to be read next
  size_t turns_ = 0;
  bool stopping_ = false;
};

}  // namespace swarm
