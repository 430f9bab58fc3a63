// Loading: lay out one buffer per layer, cut the tensors into pieces of about a megabyte, and let every
// thread read a piece and interleave its rows in place.

#include "weights.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
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

class File {
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

}  // namespace

struct Weights::Piece {
  const TensorPlace* place;
  size_t firstRow;
  size_t rows;
  uint8_t* matrix;
};

// Allocates a layer's buffer, points its tensors into it and lists what has to be read.
std::unique_ptr<Layer> Weights::plan(int index, const std::vector<Role>& roles,
                                     std::vector<Piece>& pieces, Status& status) const {
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
    status = Status::fail("NATIVE_OUT_OF_MEMORY",
                          "no memory for " + std::to_string(total) + " bytes of weights");
    return nullptr;
  }
  for (const auto& [place, offset] : at) {
    uint8_t* data = layer->memory.data() + offset;
    const size_t bytes = matrixBytes(place->type, place->rows, place->cols);
    forbidBytes(data + bytes, (offset + bytes + kTensorAlign) / kTensorAlign * kTensorAlign - offset - bytes);
    layer->tensor[(int)place->role] = {place->type, place->rows, place->cols, data};
    const size_t rowBytes = fileRowBytes(place->type, place->cols);
    const size_t rows = std::max<size_t>(kPieceBytes / rowBytes / kGroupRows, 1) * kGroupRows;
    for (size_t first = 0; first < place->rows; first += rows) {
      pieces.push_back({place, first, std::min(rows, place->rows - first), data});
    }
  }
  return layer;
}

Status Weights::read(const std::vector<Piece>& pieces, Team& team, const std::atomic<int>* cancel,
                     const std::function<void(uint64_t, uint64_t)>& progress) const {
  const File file(config_.path);
  if (!file.isOpen()) {
    return Status::fail("MODEL_UNREADABLE", config_.path + ": " + strerror(errno));
  }
  Status status = file.check(config_);
  if (!status.ok()) return status;

  uint64_t total = 0;
  for (const Piece& piece : pieces) {
    total += piece.rows * fileRowBytes(piece.place->type, piece.place->cols);
  }
  std::atomic<uint64_t> done{0};
  std::atomic<bool> stop{false};
  std::mutex mutex;
  team.run([&](int) {
    std::vector<uint8_t> buffer;
    team.share(pieces.size(), [&](size_t i) {
      const Piece& piece = pieces[i];
      const TensorPlace& place = *piece.place;
      if (stop) return;
      const size_t rowBytes = fileRowBytes(place.type, place.cols);
      buffer.resize(piece.rows * rowBytes);
      const bool cancelled = cancel && cancel->load(std::memory_order_relaxed);
      const uint64_t offset = place.offset + piece.firstRow * rowBytes;
      const Status got = cancelled ? Status::fail(kCancelled, "cancelled")
                                   : file.read(config_, place.name, buffer.data(), buffer.size(), offset);
      if (!got.ok()) {
        std::lock_guard<std::mutex> lock(mutex);
        stop = true;
        status = got;
        return;
      }
      packRows(place.type, buffer.data(), piece.firstRow, piece.rows, place.cols, piece.matrix);
      const uint64_t now = done.fetch_add(buffer.size()) + buffer.size();
      if (progress) progress(now, total);
    });
  });
  // A file that was replaced while it was read may have given bytes of two models.
  return status.ok() ? file.check(config_) : status;
}

Status Weights::load(size_t start, size_t end, Team& team, const std::atomic<int>* cancel,
                     const std::function<void(uint64_t, uint64_t)>& progress) {
  const bool wantsEmbedding = start == 0 && end > 0;
  const bool wantsHead = start < end && end == config_.nLayers;
  for (size_t i = 0; i < config_.nLayers; i++) {
    if (i < start || i >= end) layers_[i].reset();
  }
  if (!wantsEmbedding) embedding_.reset();
  if (!wantsHead) head_.reset();

  Status status;
  std::vector<Piece> pieces;
  std::vector<std::pair<std::unique_ptr<Layer>*, std::unique_ptr<Layer>>> fresh;
  const auto want = [&](std::unique_ptr<Layer>& slot, int index, const std::vector<Role>& roles) {
    if (slot || !status.ok()) return;
    auto layer = plan(index, roles, pieces, status);
    if (layer) fresh.push_back({&slot, std::move(layer)});
  };
  want(common_, -1, {Role::RopeFreqs});
  if (wantsEmbedding) want(embedding_, -1, {Role::TokenEmbedding});
  for (size_t i = start; i < end; i++) want(layers_[i], (int)i, kLayerRoles);
  if (wantsHead) {
    // A tied head is the token table: shared when this stage holds both ends, else loaded for itself.
    bool tied = true;
    for (const TensorPlace& place : config_.tensors) tied = tied && place.role != Role::Output;
    std::vector<Role> roles = {Role::OutputNorm, Role::Output};
    if (tied && !wantsEmbedding) roles.push_back(Role::TokenEmbedding);
    if (head_ && tied && !wantsEmbedding && !(*head_)[Role::TokenEmbedding]) head_.reset();
    want(head_, -1, roles);
  }
  if (!status.ok()) return status;
  status = read(pieces, team, cancel, progress);
  if (!status.ok()) return status;
  for (auto& [slot, layer] : fresh) *slot = std::move(layer);
  return start == end ? Status{} : checkRotation();
}

// Only now the factors of a rope_freqs.weight are known.
Status Weights::checkRotation() const {
  std::vector<float> factors;
  const Matrix& tensor = (*common_)[Role::RopeFreqs];
  if (tensor) factors.assign(tensor.floats(), tensor.floats() + tensor.cols);
  if (Rope(config_.rope, factors).isSane()) return {};
  return Status::fail("MODEL_BAD_METADATA",
                      std::string("positions would turn by angles that are no numbers: ") +
                          (tensor ? "tensor rope_freqs.weight or " : "") +
                          "the rope keys are damaged; fetch the file again");
}

uint64_t Weights::residentBytes() const {
  uint64_t bytes = 0;
  for (const auto& layer : layers_) bytes += layer ? layer->memory.size() : 0;
  bytes += embedding_ ? embedding_->memory.size() : 0;
  bytes += head_ ? head_->memory.size() : 0;
  return bytes;
}

}  // namespace swarm
