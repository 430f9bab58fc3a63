// The parts of a layer, where the tensors of one layer or of some of its parts lie in their buffer, and in
// which pieces they come from the file. The same for parts that stay in memory (weights.h) and for those that
// pass through it (streamer.h).

#pragma once

#include <vector>

#include "config.h"
#include "huge_buffer.h"
#include "model_file.h"

namespace swarm {

struct Matrix {
  Type type = Type::F32;
  size_t rows = 0;
  size_t cols = 0;
  const uint8_t* data = nullptr;  // layout.h; of a vector its values; null when the tensor is absent

  explicit operator bool() const { return data != nullptr; }
  const float* floats() const { return (const float*)data; }
};

// What of a layer is computed before the next part is needed, in this order.
enum class LayerPart { Attention, GateUp, Down, Count };
constexpr size_t kLayerParts = (size_t)LayerPart::Count;

// The number that names a part of a model (src/model/layer-part.ts).
constexpr size_t partAt(size_t layer, LayerPart part) { return layer * kLayerParts + (size_t)part; }

// Some of a layer's parts: a bit of each.
using PartSet = unsigned;
constexpr PartSet kAllParts = (1u << kLayerParts) - 1;
constexpr PartSet only(LayerPart part) { return 1u << (unsigned)part; }
constexpr bool contains(PartSet set, LayerPart part) { return (set & only(part)) != 0; }

// The roles of each part.
extern const std::vector<Role> kPartRoles[kLayerParts];
// Of all of these.
std::vector<Role> rolesOf(PartSet parts);

// The tensors of one layer, or those that belong to none, by role.
struct Layer {
  HugeBuffer memory;
  PartSet onDisk = 0;  // whose tensors are not in its memory
  Matrix tensor[(int)Role::Count];

  const Matrix& operator[](Role role) const { return tensor[(int)role]; }
};

// Rows of one tensor, read at once.
struct Piece {
  const TensorPlace* place;
  size_t matrixAt;  // bytes from where the layout begins to the tensor
  size_t firstRow;
  size_t rows;

  size_t fileBytes() const;
};

class LayerLayout {
 public:
  // Of a layer, or of what belongs to none (-1): the tensors with one of these roles.
  LayerLayout(const ModelConfig& config, int layer, const std::vector<Role>& roles);

  // Of buffer that it takes.
  size_t bytes() const { return bytes_; }
  const std::vector<Piece>& pieces() const { return pieces_; }

  // Points the layer's tensors of these roles into its memory, of which bytes() from `at` on are theirs. What
  // no piece fills has to be zero; memory that is not fresh is made so.
  void place(Layer& layer, size_t at, bool isFresh) const;

 private:
  struct At {
    const TensorPlace* place;
    size_t offset;
  };
  std::vector<Role> roles_;
  std::vector<At> tensors_;
  std::vector<Piece> pieces_;
  size_t bytes_ = 0;
};

// Reads one piece and puts its rows where the kernels expect them, in the buffer of a layout that begins at
// `memory`. Any thread, each with its own `buffer`.
Status readPiece(const ModelFile& file, const Piece& piece, HugeBuffer& buffer, uint8_t* memory);

}  // namespace swarm
