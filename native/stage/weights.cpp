// Loading: lay out one buffer per layer, cut the tensors into pieces of about a megabyte, and let every
// thread read a piece and interleave its rows in place, until the slice of time is over.

#include "weights.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <mutex>

#include "layout.h"
#include "rope.h"

namespace swarm {

namespace {

// Bytes a thread reads at once: large enough for the disk, small enough to stay in the cache.
constexpr size_t kPieceBytes = size_t(1) << 20;
constexpr size_t kTensorAlign = 256;

const std::vector<Role> kLayerRoles = {
    Role::AttnNorm,   Role::AttnQ,     Role::AttnQBias,  Role::AttnK,          Role::AttnKBias,
    Role::AttnV,      Role::AttnVBias, Role::AttnQNorm,  Role::AttnKNorm,      Role::AttnOutput,
    Role::AttnOutputBias, Role::FfnNorm, Role::FfnGate,  Role::FfnUp,          Role::FfnDown,
};

}  // namespace

class Weights::File {
 public:
  // Not blocking: a pipe that was put in the file's place would wait for a writer for good.
  explicit File(const std::string& path)
      : fd_(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)) {}
  ~File() {
    if (fd_ >= 0) close(fd_);
  }
  bool isOpen() const { return fd_ >= 0; }

  Status check(const ModelConfig& config) const {
    struct stat info;
    if (fstat(fd_, &info) != 0) {
      return Status::fail("MODEL_UNREADABLE", config.path + ": " + strerror(errno));
    }
    const int64_t mtimeNs = (int64_t)info.st_mtim.tv_sec * 1000000000 + info.st_mtim.tv_nsec;
    if (!S_ISREG(info.st_mode) || (uint64_t)info.st_size != config.sizeBytes || mtimeNs != config.mtimeNs) {
      return Status::fail("MODEL_CHANGED", config.path + " changed while it was being read; start again");
    }
    return {};
  }

  Status read(const ModelConfig& config, const std::string& tensor, uint8_t* to, size_t bytes,
              uint64_t offset) const {
    while (bytes > 0) {
      const ssize_t got = pread(fd_, to, bytes, (off_t)offset);
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) {
        return Status::fail("MODEL_UNREADABLE", "tensor " + tensor + " of " + config.path +
                                                    " could not be read: " + strerror(errno));
      }
      if (got == 0) {
        return Status::fail("MODEL_TRUNCATED", "tensor " + tensor + " of " + config.path +
                                                   " is cut off; fetch the file again");
      }
      to += got;
      offset += (uint64_t)got;
      bytes -= (size_t)got;
    }
    return {};
  }

 private:
  int fd_;
};

Weights::Weights(const ModelConfig& config) : config_(config), layers_(config.nLayers) {}

Weights::~Weights() = default;

// Allocates a buffer, points its tensors into it and lists what has to be read.
Status Weights::plan(std::unique_ptr<Layer>& slot, int index, const std::vector<Role>& roles) {
  if (slot) return {};
  std::vector<std::pair<const TensorPlace*, size_t>> at;
  size_t total = 0;
  for (const TensorPlace& place : config_.tensors) {
    if (place.layer != index) continue;
    if (std::find(roles.begin(), roles.end(), place.role) == roles.end()) continue;
    at.push_back({&place, total});
    total += matrixBytes(place.type, place.rows, place.cols) + kTensorAlign;
    total = total / kTensorAlign * kTensorAlign;
  }
  auto layer = std::make_unique<Layer>();
  // The products read up to one prefetch beyond a matrix; that stays inside the buffer's own pages.
  if (!layer->memory.allocate(total + kTensorAlign)) {
    return Status::fail("NATIVE_OUT_OF_MEMORY",
                        "no memory for " + std::to_string(total) + " bytes of weights");
  }
  for (const auto& [place, offset] : at) {
    uint8_t* data = layer->memory.data() + offset;
    const size_t bytes = matrixBytes(place->type, place->rows, place->cols);
    forbidBytes(data + bytes, (offset + bytes + kTensorAlign) / kTensorAlign * kTensorAlign - offset - bytes);
    layer->tensor[(int)place->role] = {place->type, place->rows, place->cols, data};
    const size_t rowBytes = fileRowBytes(place->type, place->cols);
    const size_t rows = std::max<size_t>(kPieceBytes / rowBytes / kGroupRows, 1) * kGroupRows;
    for (size_t first = 0; first < place->rows; first += rows) {
      const size_t count = std::min(rows, place->rows - first);
      pieces_.push_back({place, first, count, data, fresh_.size(), false});
      progress_.totalBytes += count * rowBytes;
    }
  }
  fresh_.push_back({&slot, std::move(layer)});
  return {};
}

Status Weights::begin(const std::vector<LayerSpan>& spans) {
  giveUp();
  std::vector<bool> wanted(config_.nLayers, false);
  for (const LayerSpan& span : spans) {
    for (size_t i = span.start; i < span.end; i++) wanted[i] = true;
  }
  bool tied = true;
  for (const TensorPlace& place : config_.tensors) tied = tied && place.role != Role::Output;
  const bool wantsHead = wanted.back();
  // A tied head is the token table: held once, whichever end wants it.
  const bool wantsTable = wanted.front() || (wantsHead && tied);
  for (size_t i = 0; i < config_.nLayers; i++) {
    if (!wanted[i]) layers_[i].reset();
  }
  if (!wantsTable) embedding_.reset();
  if (!wantsHead) head_.reset();

  Status status = plan(common_, -1, {Role::RopeFreqs});
  if (status.ok() && wantsTable) status = plan(embedding_, -1, {Role::TokenEmbedding});
  if (status.ok() && wantsHead) status = plan(head_, -1, {Role::OutputNorm, Role::Output});
  for (const LayerSpan& span : spans) {
    for (size_t i = span.start; i < span.end && status.ok(); i++) {
      status = plan(layers_[i], (int)i, kLayerRoles);
    }
  }
  if (status.ok()) spans_ = spans;
  return status;
}

// Pieces are taken in order, but a thread may be late with its own: those that are not read say so.
Status Weights::read(Team& team, const std::atomic<int>* cancel, int sliceMs) {
  Status status;
  if (!file_) {
    file_ = std::make_unique<File>(config_.path);
    if (!file_->isOpen()) {
      return Status::fail("MODEL_UNREADABLE", config_.path + ": " + strerror(errno));
    }
    status = file_->check(config_);
  }
  if (!status.ok()) return status;

  const auto until = std::chrono::steady_clock::now() + std::chrono::milliseconds(sliceMs);
  std::vector<Piece*> due;
  for (Piece& piece : pieces_) {
    if (!piece.isRead) due.push_back(&piece);
  }
  std::atomic<uint64_t> done{0};
  std::atomic<bool> stop{false};
  std::mutex mutex;
  team.run([&](int) {
    std::vector<uint8_t> buffer;
    team.share(due.size(), [&](size_t i) {
      if (stop || (i > 0 && std::chrono::steady_clock::now() >= until)) return;
      Piece& piece = *due[i];
      const TensorPlace& place = *piece.place;
      const size_t rowBytes = fileRowBytes(place.type, place.cols);
      buffer.resize(piece.rows * rowBytes);
      const bool cancelled = cancel && cancel->load(std::memory_order_relaxed);
      const uint64_t offset = place.offset + piece.firstRow * rowBytes;
      const Status got = cancelled ? Status::fail(kCancelled, "cancelled")
                                   : file_->read(config_, place.name, buffer.data(), buffer.size(), offset);
      if (!got.ok()) {
        std::lock_guard<std::mutex> lock(mutex);
        stop = true;
        status = got;
        return;
      }
      packRows(place.type, buffer.data(), piece.firstRow, piece.rows, place.cols, piece.matrix);
      piece.isRead = true;
      done.fetch_add(buffer.size());
    });
  });
  progress_.doneBytes += done;
  // A file that was replaced while it was read may have given bytes of two models.
  return status.ok() ? file_->check(config_) : status;
}

// What is read whole serves from now on. Table and head come before the layers that need them.
void Weights::install() {
  std::vector<bool> isWhole(fresh_.size(), true);
  for (const Piece& piece : pieces_) {
    if (!piece.isRead) isWhole[piece.fresh] = false;
  }
  progress_.isDone = true;
  for (size_t i = 0; i < fresh_.size(); i++) {
    if (!isWhole[i]) {
      // Those behind wait as well: layers serve in the order in which they were asked for.
      progress_.isDone = false;
      return;
    }
    if (fresh_[i].layer) *fresh_[i].slot = std::move(fresh_[i].layer);
  }
}

void Weights::giveUp() {
  file_.reset();
  spans_.clear();
  pieces_.clear();
  fresh_.clear();
  progress_ = {};
}

void Weights::count() {
  uint64_t bytes = 0;
  const auto add = [&](const std::unique_ptr<Layer>& layer) { bytes += layer ? layer->memory.size() : 0; };
  for (const auto& layer : layers_) add(layer);
  for (const Fresh& fresh : fresh_) add(fresh.layer);
  add(embedding_);
  add(head_);
  residentBytes_ = bytes;
}

Status Weights::load(const std::vector<LayerSpan>& spans, Team& team, const std::atomic<int>* cancel,
                     int sliceMs, LoadProgress* progress) {
  const bool goesOn = !spans_.empty() && spans_ == spans;
  Status status = goesOn ? Status{} : begin(spans);
  count();
  if (status.ok() && !pieces_.empty()) status = read(team, cancel, sliceMs);
  // The factors are one piece and the first: the first call has read them.
  if (status.ok() && !spans.empty()) status = checkRotation(common_ ? *common_ : *fresh_.front().layer);
  if (status.ok()) install();
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
