// The ring of units: the place of a part is free, being filled piece by piece by all threads, ready, or
// taken.

#include "streamer.h"

#include <algorithm>
#include <chrono>

#include "affinity.h"

namespace swarm {

namespace {
// Reads under way at once: what a solid-state disk needs to be busy.
constexpr int kReaders = 4;
constexpr std::chrono::milliseconds kAskEvery{20};
}  // namespace

Status Streamer::setLayers(const std::vector<size_t>& layers) {
  if (layers == layers_) return {};
  stop();
  if (layers.empty()) return {};
  file_ = std::make_unique<ModelFile>(config_, true);
  Status status = file_->check();
  for (const size_t layer : layers) {
    for (const std::vector<Role>& roles : kPartRoles) layouts_.emplace_back(config_, (int)layer, roles);
  }
  size_t bytes = 0;
  for (size_t part = 0; part < kLayerParts; part++) {
    places_[part].at = bytes;
    size_t most = 0;
    for (size_t unit = part; unit < layouts_.size(); unit += kLayerParts) {
      most = std::max(most, layouts_[unit].bytes());
    }
    bytes += most;
  }
  if (status.ok() && !room_.memory.allocate(bytes)) {
    status = Status::fail("NATIVE_OUT_OF_MEMORY",
                          "no memory for " + std::to_string(bytes) + " bytes of a layer from disk");
  }
  if (!status.ok()) {
    stop();
    return status;
  }
  layers_ = layers;
  for (int i = 0; i < kReaders; i++) threads_.emplace_back([this] { readLoop(); });
  return {};
}

void Streamer::stop() {
  {
    std::lock_guard<std::mutex> lock(mutex_);
    stopping_ = true;
  }
  work_.notify_all();
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
  for (Place& place : places_) place = {};
  room_ = {};
  layouts_.clear();
  layers_.clear();
  file_.reset();
  next_ = 0;
  stopping_ = false;
}

bool Streamer::has(size_t layer) const {
  return std::binary_search(layers_.begin(), layers_.end(), layer);
}

size_t Streamer::indexOf(size_t layer) const {
  return (size_t)(std::lower_bound(layers_.begin(), layers_.end(), layer) - layers_.begin());
}

size_t Streamer::layerBytes(size_t layer) const {
  size_t bytes = 0;
  for (size_t part = 0; part < kLayerParts; part++) {
    bytes += layouts_[indexOf(layer) * kLayerParts + part].bytes();
  }
  return bytes;
}

// Or will be.
bool Streamer::isThere(size_t unit) {
  const Place& place = placeOf(unit);
  return place.state != State::Free && place.unit == unit;
}

bool Streamer::take(size_t layer, LayerPart part, const std::function<bool()>& isOver, Status* status) {
  const size_t unit = indexOf(layer) * kLayerParts + (size_t)part;
  Place& place = placeOf(unit);
  std::unique_lock<std::mutex> lock(mutex_);
  for (;;) {
    if (isThere(unit) && place.state != State::Filling) {
      if (place.status.ok()) {
        place.state = State::Taken;
        return true;
      }
      // The next pass tries again.
      *status = place.status;
      for (Place& one : places_) {
        if (one.state == State::Ready && !one.status.ok()) one.state = State::Free;
      }
      next_ = unit;
      return false;
    }
    if (!isThere(unit)) {
      // A pass that begins elsewhere than the last one ended: what was read ahead is not wanted now.
      next_ = unit;
      if (place.state == State::Ready) place.state = State::Free;
      work_.notify_all();
    }
    if (isOver()) return false;
    ready_.wait_for(lock, kAskEvery);
  }
}

void Streamer::giveBack(LayerPart part) {
  {
    std::lock_guard<std::mutex> lock(mutex_);
    Place& place = places_[(size_t)part];
    if (place.state != State::Taken) return;
    // A single layer stays.
    place.state = layers_.size() > 1 ? State::Free : State::Ready;
  }
  work_.notify_all();
}

// The place whose next piece is due; a free one takes the next part of the ring first. Null: nothing is.
Streamer::Place* Streamer::placeToRead() {
  for (Place& place : places_) {
    const bool isBegun = place.state == State::Filling;
    if (isBegun && place.nextPiece < layouts_[place.unit].pieces().size()) return &place;
  }
  // Only behind a jump can it be there already.
  for (size_t i = 0; i < kLayerParts && isThere(next_); i++) next_ = (next_ + 1) % layouts_.size();
  Place& place = placeOf(next_);
  if (place.state != State::Free) return nullptr;
  place = {State::Filling, next_, place.at, 0, 0, {}};
  layouts_[next_].place(room_, place.at, false);
  next_ = (next_ + 1) % layouts_.size();
  return &place;
}

void Streamer::readLoop() {
  // The thread that began this one may be tied to a single processor.
  std::vector<int> anywhere;
  for (const std::vector<int>& cpus : config_.places) {
    anywhere.insert(anywhere.end(), cpus.begin(), cpus.end());
  }
  stayOn(anywhere);
  HugeBuffer buffer;
  std::unique_lock<std::mutex> lock(mutex_);
  while (!stopping_) {
    Place* const place = placeToRead();
    if (!place) {
      work_.wait(lock);
      continue;
    }
    const std::vector<Piece>& pieces = layouts_[place->unit].pieces();
    const Piece& piece = pieces[place->nextPiece++];
    if (place->status.ok()) {
      uint8_t* const memory = room_.memory.data() + place->at;
      lock.unlock();
      Status status = readPiece(*file_, piece, buffer, memory);
      lock.lock();
      if (!status.ok() && place->status.ok()) place->status = status;
    }
    if (++place->donePieces < pieces.size()) continue;
    // A file that was replaced while it was read may have given bytes of two models.
    if (place->status.ok()) place->status = file_->check();
    place->state = State::Ready;
    ready_.notify_all();
  }
}

}  // namespace swarm
