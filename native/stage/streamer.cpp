// Of each kind one place: it is free, being filled piece by piece by all threads, ready, or taken.

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

Status Streamer::setParts(const std::vector<size_t>& parts) {
  if (parts == parts_) return {};
  if (parts.empty()) {
    stop();
    return {};
  }
  // All that can fail comes before the old ring ends; memory that nobody has touched yet costs nothing.
  auto file = std::make_unique<ModelFile>(config_, true);
  const Status status = file->check();
  if (!status.ok()) return status;
  std::vector<LayerLayout> layouts;
  size_t most[kLayerParts] = {}, count[kLayerParts] = {};
  for (const size_t part : parts) {
    const size_t kind = part % kLayerParts;
    layouts.emplace_back(config_, (int)(part / kLayerParts), kPartRoles[kind]);
    most[kind] = std::max(most[kind], layouts.back().bytes());
    count[kind]++;
  }
  size_t bytes = 0;
  for (const size_t one : most) bytes += one;
  Layer room;
  if (!room.memory.allocate(bytes)) {
    return Status::fail("NATIVE_OUT_OF_MEMORY",
                        "no memory for " + std::to_string(bytes) + " bytes of layers from disk");
  }

  stop();
  parts_ = parts;
  layouts_ = std::move(layouts);
  file_ = std::move(file);
  room_ = std::move(room);
  size_t at = 0;
  for (size_t kind = 0; kind < kLayerParts; kind++) {
    count_[kind] = count[kind];
    at_[kind] = at;
    at += most[kind];
    next_[kind] = 0;
    while (count[kind] > 0 && kindOf(next_[kind]) != kind) next_[kind]++;
    setFree(places_[kind]);
  }
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
  parts_.clear();
  file_.reset();
  stopping_ = false;
}

size_t Streamer::indexOf(size_t layer, LayerPart part) const {
  return (size_t)(std::lower_bound(parts_.begin(), parts_.end(), partAt(layer, part)) - parts_.begin());
}

size_t Streamer::partBytes(size_t layer, LayerPart part) const {
  return layouts_[indexOf(layer, part)].bytes();
}

// The next one of its kind.
size_t Streamer::after(size_t index) const {
  const size_t kind = kindOf(index);
  do index = (index + 1) % parts_.size();
  while (kindOf(index) != kind);
  return index;
}

// Or will be.
bool Streamer::isThere(size_t index) const {
  const Place& place = places_[kindOf(index)];
  return place.state != State::Free && place.index == index;
}

bool Streamer::take(size_t layer, LayerPart part, const std::function<bool()>& isOver, Status* status) {
  const size_t index = indexOf(layer, part);
  Place& place = places_[(size_t)part];
  std::unique_lock<std::mutex> lock(mutex_);
  for (;;) {
    if (isThere(index) && place.state != State::Filling) {
      if (place.status.ok()) {
        place.state = State::Taken;
        return true;
      }
      // The next pass tries again.
      *status = place.status;
      for (Place& one : places_) {
        if (one.state == State::Ready && !one.status.ok()) setFree(one);
      }
      next_[(size_t)part] = index;
      return false;
    }
    if (!isThere(index)) {
      // A pass that begins elsewhere than the last one ended: what was read ahead is not wanted now.
      next_[(size_t)part] = index;
      if (place.state == State::Ready) setFree(place);
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
    // The only one of its kind stays.
    if (count_[(size_t)part] > 1) setFree(place);
    else place.state = State::Ready;
  }
  work_.notify_all();
}

void Streamer::setFree(Place& place) {
  place.state = State::Free;
  place.turn = turns_++;
}

// The place whose next piece is due: of those that are free or being filled the one that was free first.
// Null: there is none.
Streamer::Place* Streamer::placeToRead() {
  Place* found = nullptr;
  for (size_t kind = 0; kind < kLayerParts; kind++) {
    Place& place = places_[kind];
    const bool isFree = place.state == State::Free && count_[kind] > 0;
    const bool isBegun =
        place.state == State::Filling && place.nextPiece < layouts_[place.index].pieces().size();
    if ((isFree || isBegun) && (!found || place.turn < found->turn)) found = &place;
  }
  if (!found || found->state == State::Filling) return found;
  const size_t kind = (size_t)(found - places_);
  const size_t index = next_[kind];
  *found = {State::Filling, found->turn, index, 0, 0, {}};
  layouts_[index].place(room_, at_[kind], false);
  next_[kind] = after(index);
  return found;
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
    const std::vector<Piece>& pieces = layouts_[place->index].pieces();
    const Piece& piece = pieces[place->nextPiece++];
    if (place->status.ok()) {
      uint8_t* const memory = room_.memory.data() + at_[place - places_];
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
