// Exact nearest neighbours among 256-dim unit vectors by the angle: a coarse pass over int8 codes decides
// which rows can still win, and the canonical product (docs/arithmetic.md section 11) ranks those.
// The answer is the one that canonical products with all rows would give: nothing is approximate.
//
// Proof. Let x be the question, v a row, both of length at most N; q, d their codes and step (section 3),
// so that v = d q + e with |e| known. Then
//     v.x = d_v d_x (q_v.q_x)  +  (d_v q_v).e_x  +  e_v.x
// and by Cauchy and Schwarz, with |d_v q_v| <= |v| + |e_v|, the last two terms together lie within
//     B = |e_v| (N + |e_x|) + N |e_x|.
// The integer product is exact. What is left is rounding: the coarse value takes two roundings of a
// number below 1.1 and each bound four of numbers below 4, together less than 1.2e-6; the canonical
// product, in binary64, less than 1e-14. kSlack covers them three times over. So every canonical product
// lies in [coarse - B - kSlack, coarse + B + kSlack]. When k rows have lower bounds of at least T, a row
// whose upper bound is below T has k rows strictly before it. The refinement takes rows by falling upper
// bound and ends when k products lie strictly above the next bound; equal products are ordered by key.
// The order in which rows were added can therefore not show.

#pragma once

#include <stddef.h>
#include <stdint.h>

#include <vector>

#include "../kernels/kernels.h"
#include "../stage/huge_buffer.h"

namespace swarm {

constexpr size_t kKeyBytes = 48;
// Of the squared length around 1; N above is the square root of 1 + this, rounded up.
constexpr double kLengthTolerance = 1e-3;

struct Neighbour {
  uint32_t label;
  double score;
};

// Between these the canonical product of a row with a question lies.
struct Bounds {
  float lower, upper;
};

class VectorIndex {
 public:
  enum class Added { yes, badVector, noMemory };

  explicit VectorIndex(const KernelTable& kernels);
  ~VectorIndex();

  // `label` names the row for the caller; a known label's row is replaced. `key` orders equal scores.
  Added set(uint32_t label, const uint8_t* key, const float* vector);
  void remove(uint32_t label);

  // The `limit` best rows, best first, among those whose label is marked in `allowed` (labels from
  // `nAllowed` on are not); null allows all. False when the question is no unit vector. Throws
  // std::bad_alloc.
  bool search(const float* question, size_t limit, const uint8_t* allowed, size_t nAllowed,
              std::vector<Neighbour>* found) const;

  // The canonical product; false when there is no such row.
  bool score(const float* question, uint32_t label, double* score) const;

  // For the tests of the proof. False as above.
  bool bounds(const float* question, uint32_t label, Bounds* bounds) const;

  size_t size() const { return size_; }
  size_t sizeBytes() const;
  // Rows whose canonical product the last search computed.
  size_t refined() const { return refined_; }

 private:
  struct Chunk;
  struct Question;
  struct Candidate;
  bool prepare(const float* vector, Question* question) const;
  void boundRows(const Chunk& chunk, size_t from, size_t n, const Question& question, Bounds* out) const;
  double product(const float* question, size_t row) const;
  bool isBefore(const Neighbour& a, size_t rowA, const Neighbour& b, size_t rowB) const;
  void moveRow(size_t from, size_t to);

  const KernelTable& kernels_;
  std::vector<Chunk> chunks_;
  std::vector<uint32_t> rowOf_;
  size_t size_ = 0;
  mutable size_t refined_ = 0;
};

}  // namespace swarm
