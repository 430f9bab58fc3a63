// The ring: a slot is free, being filled piece by piece by all threads, ready, or taken.

#include "streamer.h"

#include <algorithm>
#include <chrono>

#include "affinity.h"

namespace swarm {

namespace {
// One layer is computed while the next one is read.
constexpr size_t kSlots = 2;
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
  size_t bytes = 0;
  for (const size_t layer : layers) {
    layouts_.emplace_back(config_, (int)layer, kLayerRoles);
    bytes = std::max(bytes, layouts_.back().bytes());
  }
  slots_ = std::vector<Slot>(std::min(kSlots, layers.size()));
  for (Slot& slot : slots_) {
    if (status.ok() && !slot.layer.memory.allocate(bytes)) {
      status = Status::fail("NATIVE_OUT_OF_MEMORY",
                            "no memory for " + std::to_string(bytes) + " bytes of a layer from disk");
    }
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
  slots_.clear();
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

size_t Streamer::layerBytes(size_t layer) const { return layouts_[indexOf(layer)].bytes(); }

uint64_t Streamer::residentBytes() const {
  uint64_t bytes = 0;
  for (const Slot& slot : slots_) bytes += slot.layer.memory.size();
  return bytes;
}

Streamer::Slot* Streamer::slotOf(size_t index) {
  for (Slot& slot : slots_) {
    if (slot.state != State::Free && slot.index == index) return &slot;
  }
  return nullptr;
}

// A ready layer that another one may take the place of: with no more layers than slots all of them stay.
bool Streamer::canGo(const Slot& slot) const {
  return slot.state == State::Ready && layers_.size() > slots_.size();
}

const Layer* Streamer::take(size_t layer, const std::function<bool()>& isOver, Status* status) {
  const size_t index = indexOf(layer);
  std::unique_lock<std::mutex> lock(mutex_);
  for (;;) {
    Slot* slot = slotOf(index);
    if (slot && slot->state == State::Ready) {
      if (slot->status.ok()) {
        slot->state = State::Taken;
        return &slot->layer;
      }
      // The next pass tries again.
      *status = slot->status;
      slot->state = State::Free;
      next_ = index;
      return nullptr;
    }
    if (!slot) {
      // A pass that begins elsewhere than the last one ended: what was read ahead is not wanted now.
      next_ = index;
      for (Slot& other : slots_) {
        if (canGo(other)) other.state = State::Free;
      }
      work_.notify_all();
    }
    if (isOver()) return nullptr;
    ready_.wait_for(lock, kAskEvery);
  }
}

void Streamer::giveBack() {
  {
    std::lock_guard<std::mutex> lock(mutex_);
    for (Slot& slot : slots_) {
      if (slot.state != State::Taken) continue;
      slot.state = State::Ready;
      if (canGo(slot)) slot.state = State::Free;
    }
  }
  work_.notify_all();
}

// The slot whose next piece is due; a free one takes the next layer of the ring first. Null: nothing is.
Streamer::Slot* Streamer::slotToRead() {
  for (Slot& slot : slots_) {
    if (slot.state == State::Filling && slot.nextPiece < layouts_[slot.index].pieces().size()) return &slot;
  }
  for (Slot& slot : slots_) {
    if (slot.state != State::Free) continue;
    // Only behind a jump can it be there already.
    for (size_t i = 0; i < layers_.size() && slotOf(next_); i++) next_ = (next_ + 1) % layers_.size();
    if (slotOf(next_)) return nullptr;
    slot.state = State::Filling;
    slot.index = next_;
    slot.nextPiece = slot.donePieces = 0;
    slot.status = {};
    layouts_[next_].place(slot.layer, false);
    next_ = (next_ + 1) % layers_.size();
    return &slot;
  }
  return nullptr;
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
    Slot* const slot = slotToRead();
    if (!slot) {
      work_.wait(lock);
      continue;
    }
    const std::vector<Piece>& pieces = layouts_[slot->index].pieces();
    const Piece& piece = pieces[slot->nextPiece++];
    if (slot->status.ok()) {
      lock.unlock();
      Status status = readPiece(*file_, piece, buffer, slot->layer.memory.data());
      lock.lock();
      if (!status.ok() && slot->status.ok()) slot->status = status;
    }
    if (++slot->donePieces < pieces.size()) continue;
    // A file that was replaced while it was read may have given bytes of two models.
    if (slot->status.ok()) slot->status = file_->check();
    slot->state = State::Ready;
    ready_.notify_all();
  }
}

}  // namespace swarm
