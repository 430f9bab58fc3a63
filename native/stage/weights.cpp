// Loading: lay out one buffer per layer for what is to be resident of it, and let every thread read a piece
// and interleave its rows in place, until the slice of time is over.

#include "weights.h"

#include <algorithm>
#include <chrono>
#include <mutex>

#include "layout.h"
#include "rope.h"

namespace swarm {

Weights::Weights(const ModelConfig& config) : config_(config), layers_(config.nLayers), streamer_(config) {}

Weights::~Weights() = default;

bool Weights::has(size_t index) const {
  const bool hasEnds = (index > 0 || embedding_) && (index + 1 < config_.nLayers || head_);
  return common_ && layers_[index] && hasEnds;
}

bool Weights::streams(size_t start, size_t end) const {
  for (size_t i = start; i < end; i++) {
    if (layers_[i]->onDisk != 0) return true;
  }
  return false;
}

size_t Weights::layerBytes(size_t index) const {
  size_t bytes = layers_[index]->memory.size();
  for (size_t i = 0; i < kLayerParts; i++) {
    const LayerPart part = (LayerPart)i;
    if (streams(index, part)) bytes += streamer_.partBytes(index, part);
  }
  return bytes;
}

Status Weights::enter(size_t index, LayerPart part, const std::function<bool()>& isOver) {
  Status status;
  if (!streams(index, part) || !streamer_.take(index, part, isOver, &status)) return status;
  for (const Role role : kPartRoles[(size_t)part]) {
    layers_[index]->tensor[(int)role] = streamer_.room()[role];
  }
  return status;
}

void Weights::leave(size_t index, LayerPart part) {
  if (streams(index, part)) streamer_.giveBack(part);
}

void Weights::leaveAll() {
  for (size_t part = 0; part < kLayerParts; part++) streamer_.giveBack((LayerPart)part);
}

// Unless it is there: allocates a buffer, points its tensors into it and lists what has to be read.
Status Weights::plan(std::unique_ptr<Layer>& slot, int index, const std::vector<Role>& roles,
                     PartSet onDisk) {
  if (slot && slot->onDisk == onDisk) return {};
  const LayerLayout layout(config_, index, roles);
  auto layer = std::make_unique<Layer>();
  if (!layer->memory.allocate(layout.bytes())) {
    return Status::fail("NATIVE_OUT_OF_MEMORY",
                        "no memory for " + std::to_string(layout.bytes()) + " bytes of weights");
  }
  layout.place(*layer, 0, true);
  layer->onDisk = onDisk;
  for (const Piece& piece : layout.pieces()) {
    due_.push_back({piece, fresh_.size(), false});
    progress_.totalBytes += piece.fileBytes();
  }
  fresh_.push_back({&slot, std::move(layer)});
  return {};
}

// Frees layers that are not wanted. What of the others is to come from disk, or has to until it is resident,
// does from now on.
Status Weights::stream(const std::vector<PartSet>& onDisk, const std::vector<bool>& isWanted) {
  std::vector<PartSet> now(config_.nLayers, 0);
  std::vector<size_t> parts;
  for (size_t i = 0; i < config_.nLayers; i++) {
    if (!isWanted[i]) layers_[i].reset();
    const bool stays = layers_[i] && layers_[i]->onDisk == onDisk[i];
    // One that is to be resident and is not there is away until then.
    const bool serves = layers_[i] || onDisk[i] != 0;
    now[i] = stays || !serves ? onDisk[i] : kAllParts;
    for (size_t part = 0; part < kLayerParts; part++) {
      if (contains(now[i], (LayerPart)part)) parts.push_back(partAt(i, (LayerPart)part));
    }
  }
  const Status status = streamer_.setParts(parts);
  if (!status.ok()) return status;
  for (size_t i = 0; i < config_.nLayers; i++) {
    if (now[i] == 0 || (layers_[i] && layers_[i]->onDisk == now[i])) continue;
    layers_[i] = std::make_unique<Layer>();
    layers_[i]->onDisk = now[i];
  }
  return {};
}

Status Weights::begin(const LoadWish& wish) {
  giveUp();
  std::vector<bool> isWanted(config_.nLayers, false);
  for (const LayerSpan& span : wish.spans) {
    for (size_t i = span.start; i < span.end; i++) isWanted[i] = true;
  }
  std::vector<PartSet> onDisk(config_.nLayers, 0);
  for (const size_t part : wish.onDisk) onDisk[part / kLayerParts] |= only((LayerPart)(part % kLayerParts));
  bool tied = true;
  for (const TensorPlace& place : config_.tensors) tied = tied && place.role != Role::Output;
  const bool wantsHead = isWanted.back();
  // A tied head is the token table: held once, whichever end wants it.
  const bool wantsTable = isWanted.front() || (wantsHead && tied);
  if (!wantsTable) embedding_.reset();
  if (!wantsHead) head_.reset();

  Status status = stream(onDisk, isWanted);
  if (status.ok()) status = plan(common_, -1, {Role::RopeFreqs});
  if (status.ok() && wantsTable) status = plan(embedding_, -1, {Role::TokenEmbedding});
  if (status.ok() && wantsHead) status = plan(head_, -1, {Role::OutputNorm, Role::Output});
  for (const LayerSpan& span : wish.spans) {
    for (size_t i = span.start; i < span.end && status.ok(); i++) {
      const PartSet resident = kAllParts & ~onDisk[i];
      if (resident != 0) status = plan(layers_[i], (int)i, rolesOf(resident), onDisk[i]);
    }
  }
  if (status.ok()) wish_ = wish;
  return status;
}

// Pieces are taken in order, the first layers first, but a thread may be late with its own: those that are
// not read say so.
Status Weights::read(Team& team, const std::atomic<int>* cancel, int sliceMs) {
  Status status;
  if (!file_) {
    file_ = std::make_unique<ModelFile>(config_);
    status = file_->check();
  }
  if (!status.ok()) return status;

  const auto until = std::chrono::steady_clock::now() + std::chrono::milliseconds(sliceMs);
  std::vector<Due*> due;
  for (Due& one : due_) {
    if (!one.isRead) due.push_back(&one);
  }
  std::atomic<uint64_t> done{0};
  std::atomic<size_t> next{0};
  std::atomic<bool> stop{false};
  std::mutex mutex;
  team.run([&](int) {
    HugeBuffer buffer;
    for (size_t i; (i = next++) < due.size();) {
      if (stop || (i > 0 && std::chrono::steady_clock::now() >= until)) return;
      Due& one = *due[i];
      const bool cancelled = cancel && cancel->load(std::memory_order_relaxed);
      uint8_t* const memory = fresh_[one.fresh].layer->memory.data();
      const Status got = cancelled ? Status::fail(kCancelled, "cancelled")
                                   : readPiece(*file_, one.piece, buffer, memory);
      if (!got.ok()) {
        std::lock_guard<std::mutex> lock(mutex);
        stop = true;
        status = got;
        return;
      }
      one.isRead = true;
      done.fetch_add(one.piece.fileBytes());
    }
  });
  progress_.doneBytes += done;
  // A file that was replaced while it was read may have given bytes of two models.
  return status.ok() ? file_->check() : status;
}

// What is read whole serves from now on. Table and head come before the layers that need them.
Status Weights::install() {
  std::vector<bool> isWhole(fresh_.size(), true);
  for (const Due& one : due_) {
    if (!one.isRead) isWhole[one.fresh] = false;
  }
  for (size_t i = 0; i < fresh_.size(); i++) {
    // Those behind wait as well: layers serve in the order in which they were asked for.
    if (!isWhole[i]) return {};
    if (fresh_[i].layer) *fresh_[i].slot = std::move(fresh_[i].layer);
  }
  const Status status = streamer_.setParts(wish_.onDisk);
  progress_.isDone = status.ok();
  return status;
}

void Weights::giveUp() {
  file_.reset();
  wish_ = {};
  due_.clear();
  fresh_.clear();
  progress_ = {};
}

void Weights::count() {
  uint64_t bytes = streamer_.residentBytes();
  const auto add = [&](const std::unique_ptr<Layer>& layer) { bytes += layer ? layer->memory.size() : 0; };
  for (const auto& layer : layers_) add(layer);
  for (const Fresh& fresh : fresh_) add(fresh.layer);
  add(embedding_);
  add(head_);
  residentBytes_ = bytes;
}

Status Weights::load(const LoadWish& wish, Team& team, const std::atomic<int>* cancel, int sliceMs,
                     LoadProgress* progress) {
  const bool goesOn = !wish_.spans.empty() && wish_ == wish;
  Status status = goesOn ? Status{} : begin(wish);
  count();
  if (status.ok() && !due_.empty()) status = read(team, cancel, sliceMs);
  // The factors are one piece and the first: the first call has read them.
  if (status.ok() && !wish.spans.empty()) status = checkRotation(common_ ? *common_ : *fresh_.front().layer);
  if (status.ok()) status = install();
  *progress = progress_;
  if (!status.ok() || progress_.isDone) giveUp();
  count();
  return status;
}

Status Weights::checkRotation(const Layer& common) const {
  std::vector<float> factors;
  const Matrix& tensor = common[Role::RopeFreqs];
  if (tensor) factors.assign(tensor.floats(), tensor.floats() + tensor.cols);
  if (Rope(config_.rope, factors).isSane()) return {};
  return Status::fail("MODEL_BAD_METADATA",
                      std::string("positions would turn by angles that are no numbers: ") +
                          (tensor ? "tensor rope_freqs.weight or " : "") +
                          "the rope keys are damaged; fetch the file again");
}

}  // namespace swarm
