// Tensors one behind the other, cut into pieces of about a megabyte.

#include "layer_layout.h"

#include <string.h>

#include <algorithm>

#include "layout.h"

namespace swarm {

namespace {
// Bytes a thread reads at once: large enough for the disk, small enough to stay in the cache.
constexpr size_t kPieceBytes = size_t(1) << 20;
constexpr size_t kTensorAlign = 256;

// A vector stays as in the file, padded to 16 values.
size_t storedBytes(const TensorPlace& place) {
  if (isVector(place.role)) return paddedFloats(place.cols) * sizeof(float);
  return matrixBytes(place.type, place.rows, place.cols);
}

size_t aligned(size_t bytes) { return (bytes + kTensorAlign - 1) / kTensorAlign * kTensorAlign; }
}  // namespace

const std::vector<Role> kPartRoles[kLayerParts] = {
    {Role::AttnNorm, Role::AttnQ, Role::AttnQBias, Role::AttnK, Role::AttnKBias, Role::AttnV, Role::AttnVBias,
     Role::AttnQNorm, Role::AttnKNorm, Role::AttnOutput, Role::AttnOutputBias},
    {Role::FfnNorm, Role::FfnGate, Role::FfnUp},
    {Role::FfnDown},
};

std::vector<Role> rolesOf(PartSet parts) {
  std::vector<Role> all;
  for (size_t part = 0; part < kLayerParts; part++) {
    const std::vector<Role>& roles = kPartRoles[part];
    if (contains(parts, (LayerPart)part)) all.insert(all.end(), roles.begin(), roles.end());
  }
  return all;
}

size_t Piece::fileBytes() const { return rows * fileRowBytes(place->type, place->cols); }

LayerLayout::LayerLayout(const ModelConfig& config, int layer, const std::vector<Role>& roles)
    : roles_(roles) {
  for (const TensorPlace& place : config.tensors) {
    if (place.layer != layer) continue;
    if (std::find(roles.begin(), roles.end(), place.role) == roles.end()) continue;
    tensors_.push_back({&place, bytes_});
    const size_t rowBytes = fileRowBytes(place.type, place.cols);
    const size_t rows = std::max<size_t>(kPieceBytes / rowBytes / kGroupRows, 1) * kGroupRows;
    for (size_t first = 0; first < place.rows; first += rows) {
      pieces_.push_back({&place, bytes_, first, std::min(rows, place.rows - first)});
    }
    bytes_ += aligned(storedBytes(place) + 1);
  }
  // The products read up to one prefetch beyond a matrix; that stays inside the buffer's own pages.
  bytes_ += kTensorAlign;
}

void LayerLayout::place(Layer& layer, size_t at, bool isFresh) const {
  uint8_t* const memory = layer.memory.data() + at;
  if (!isFresh) allowBytes(memory, bytes_);
  for (const Role role : roles_) layer.tensor[(int)role] = {};
  for (const auto& [place, offset] : tensors_) {
    const size_t bytes = storedBytes(*place);
    // Padding of rows and of groups takes part in what kernels compute, though not in what they give.
    const bool isPadded = bytes != place->rows * fileRowBytes(place->type, place->cols);
    if (isPadded && !isFresh) memset(memory + offset, 0, bytes);
    forbidBytes(memory + offset + bytes, aligned(bytes + 1) - bytes);
    layer.tensor[(int)place->role] = {place->type, place->rows, place->cols, memory + offset};
  }
}

Status readPiece(const ModelFile& file, const Piece& piece, HugeBuffer& buffer, uint8_t* memory) {
  const TensorPlace& place = *piece.place;
  const uint64_t offset = place.offset + piece.firstRow * fileRowBytes(place.type, place.cols);
  const uint8_t* rows = nullptr;
  const Status status = file.read(place.name, offset, piece.fileBytes(), buffer, &rows);
  if (!status.ok()) return status;
  uint8_t* to = memory + piece.matrixAt;
  if (isVector(place.role)) memcpy(to, rows, piece.fileBytes());
  else packRows(place.type, rows, piece.firstRow, piece.rows, place.cols, to);
  return status;
}

}  // namespace swarm
