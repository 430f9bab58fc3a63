// Rows live in chunks, so that growing neither copies nor stalls; a removed row is filled with the last.
// Codes lie interleaved in groups of 16 rows, as the kernels read them; vectors row by row.

#include "vector_index.h"

#include <math.h>
#include <string.h>

#include <algorithm>
#include <functional>

namespace swarm {

namespace {

constexpr size_t kChunkRows = 4096;
constexpr size_t kBlockRows = 512;
constexpr uint32_t kNone = 0xffffffff;
constexpr float kLengthMax = 1.0006f;  // above sqrt(1 + kLengthTolerance)
constexpr float kSlack = 4e-6f;

// Byte of element k of a row's codes inside its chunk.
size_t codeAt(size_t row, size_t k) {
  return row / kGroupRows * kGroupRows * kCodeWidth + k / 4 * 64 + row % kGroupRows * 4 + k % 4;
}

// The length of what the codes leave out, rounded up: each difference is exact in binary64 but for its
// last bit, and 1e-9 is more than 256 such roundings.
float lengthOfRest(const float* vector, const Activation256& codes) {
  double sum = 0;
  for (int k = 0; k < kCodeWidth; k++) {
    const double rest = (double)vector[k] - (double)codes.d * codes.q[k];
    sum += rest * rest;
  }
  return nextafterf((float)(sqrt(sum) * (1 + 1e-9)), 2);
}

bool isUnit(const float* vector) {
  double sum = 0;
  for (int k = 0; k < kCodeWidth; k++) sum += (double)vector[k] * vector[k];
  return fabs(sum - 1) <= kLengthTolerance;
}

}  // namespace

struct VectorIndex::Chunk {
  HugeBuffer memory;
  float* vectors;
  int8_t* codes;
  float* steps;   // d of each row
  float* rests;   // |e| of each row
  uint32_t* labels;
  uint8_t* keys;

  bool allocate() {
    const size_t rowBytes = kCodeWidth * (sizeof(float) + 1) + 2 * sizeof(float) + 4 + kKeyBytes;
    if (!memory.allocate(kChunkRows * rowBytes)) return false;
    vectors = (float*)memory.data();
    codes = (int8_t*)(vectors + kChunkRows * kCodeWidth);
    steps = (float*)(codes + kChunkRows * kCodeWidth);
    rests = steps + kChunkRows;
    labels = (uint32_t*)(rests + kChunkRows);
    keys = (uint8_t*)(labels + kChunkRows);
    return true;
  }
};

struct VectorIndex::Question {
  Activation256 codes;
  float restFactor;  // N + |e_x|
  float restShare;   // N |e_x| + slack
};

struct VectorIndex::Candidate {
  float upper;
  uint32_t row;
  // A heap of these has the largest upper bound on top.
  bool operator<(const Candidate& other) const { return upper < other.upper; }
};

VectorIndex::VectorIndex(const KernelTable& kernels) : kernels_(kernels) {}

VectorIndex::~VectorIndex() = default;

VectorIndex::Added VectorIndex::set(uint32_t label, const uint8_t* key, const float* vector) {
  Activation256 codes;
  if (!kernels_.quantize256(vector, kCodeWidth, &codes) || !isUnit(vector)) return Added::badVector;
  if (label >= rowOf_.size()) rowOf_.resize(label + 1, kNone);
  size_t row = rowOf_[label];
  if (row == kNone) {
    row = size_;
    if (row == chunks_.size() * kChunkRows) {
      Chunk chunk;
      if (!chunk.allocate()) return Added::noMemory;
      chunks_.push_back(std::move(chunk));
    }
    rowOf_[label] = (uint32_t)row;
    size_++;
  }
  Chunk& chunk = chunks_[row / kChunkRows];
  const size_t at = row % kChunkRows;
  memcpy(chunk.vectors + at * kCodeWidth, vector, kCodeWidth * sizeof(float));
  for (size_t k = 0; k < kCodeWidth; k += 4) memcpy(chunk.codes + codeAt(at, k), codes.q + k, 4);
  chunk.steps[at] = codes.d;
  chunk.rests[at] = lengthOfRest(vector, codes);
  chunk.labels[at] = label;
  memcpy(chunk.keys + at * kKeyBytes, key, kKeyBytes);
  return Added::yes;
}

void VectorIndex::remove(uint32_t label) {
  if (label >= rowOf_.size() || rowOf_[label] == kNone) return;
  const size_t row = rowOf_[label], last = size_ - 1;
  if (row != last) moveRow(last, row);
  rowOf_[label] = kNone;
  size_--;
  // One empty chunk stays, so that adding and removing at its border does not map memory each time.
  while (chunks_.size() * kChunkRows >= size_ + 2 * kChunkRows) chunks_.pop_back();
}

void VectorIndex::moveRow(size_t from, size_t to) {
  const Chunk& source = chunks_[from / kChunkRows];
  Chunk& target = chunks_[to / kChunkRows];
  const size_t a = from % kChunkRows, b = to % kChunkRows;
  memcpy(target.vectors + b * kCodeWidth, source.vectors + a * kCodeWidth, kCodeWidth * sizeof(float));
  for (size_t k = 0; k < kCodeWidth; k += 4) {
    memcpy(target.codes + codeAt(b, k), source.codes + codeAt(a, k), 4);
  }
  target.steps[b] = source.steps[a];
  target.rests[b] = source.rests[a];
  target.labels[b] = source.labels[a];
  memcpy(target.keys + b * kKeyBytes, source.keys + a * kKeyBytes, kKeyBytes);
  rowOf_[target.labels[b]] = (uint32_t)to;
}

size_t VectorIndex::sizeBytes() const {
  const size_t labels = rowOf_.capacity() * sizeof(uint32_t);
  return labels + (chunks_.empty() ? 0 : chunks_.size() * chunks_[0].memory.size());
}

bool VectorIndex::prepare(const float* vector, Question* question) const {
  if (!kernels_.quantize256(vector, kCodeWidth, &question->codes) || !isUnit(vector)) return false;
  const float rest = lengthOfRest(vector, question->codes);
  question->restFactor = kLengthMax + rest;
  question->restShare = kLengthMax * rest + kSlack;
  return true;
}

// `from` is a multiple of 16; writes full groups.
void VectorIndex::boundRows(const Chunk& chunk, size_t from, size_t n, const Question& question,
                            Bounds* out) const {
  int32_t dots[kBlockRows];
  const size_t groups = (n + kGroupRows - 1) / kGroupRows;
  kernels_.codeDots(chunk.codes + codeAt(from, 0), groups, question.codes.q, dots);
  for (size_t i = 0; i < n; i++) {
    const float coarse = (float)dots[i] * (chunk.steps[from + i] * question.codes.d);
    const float reach = chunk.rests[from + i] * question.restFactor + question.restShare;
    out[i] = {coarse - reach, coarse + reach};
  }
}

// Section 11. The product of two binary32 numbers is exact in binary64, so that each step rounds once.
double VectorIndex::product(const float* question, size_t row) const {
  const float* vector = chunks_[row / kChunkRows].vectors + row % kChunkRows * kCodeWidth;
  double lanes[16] = {};
  for (size_t k = 0; k < kCodeWidth; k += 16) {
    for (size_t lane = 0; lane < 16; lane++) {
      lanes[lane] += (double)vector[k + lane] * (double)question[k + lane];
    }
  }
  for (size_t width = 8; width > 0; width /= 2) {
    for (size_t lane = 0; lane < width; lane++) lanes[lane] += lanes[lane + width];
  }
  return lanes[0];
}

bool VectorIndex::isBefore(const Neighbour& a, size_t rowA, const Neighbour& b, size_t rowB) const {
  if (a.score != b.score) return a.score > b.score;
  const uint8_t* keyA = chunks_[rowA / kChunkRows].keys + rowA % kChunkRows * kKeyBytes;
  const uint8_t* keyB = chunks_[rowB / kChunkRows].keys + rowB % kChunkRows * kKeyBytes;
  return memcmp(keyA, keyB, kKeyBytes) < 0;
}

bool VectorIndex::search(const float* vector, size_t limit, const uint8_t* allowed, size_t nAllowed,
                         std::vector<Neighbour>* found) const {
  found->clear();
  refined_ = 0;
  Question question;
  if (!prepare(vector, &question)) return false;
  if (limit == 0 || size_ == 0) return true;

  // The coarse pass: `least` holds the `limit` largest lower bounds, the smallest of them on top.
  std::vector<float> least;
  std::vector<Candidate> candidates;
  const std::greater<float> smallestOnTop;
  float threshold = -INFINITY;
  Bounds bounds[kBlockRows];
  for (size_t row = 0; row < size_; row += kBlockRows) {
    const Chunk& chunk = chunks_[row / kChunkRows];
    const size_t from = row % kChunkRows, n = std::min(kBlockRows, size_ - row);
    boundRows(chunk, from, n, question, bounds);
    for (size_t i = 0; i < n; i++) {
      if (bounds[i].upper < threshold) continue;
      const uint32_t label = chunk.labels[from + i];
      if (allowed && (label >= nAllowed || !allowed[label])) continue;
      candidates.push_back({bounds[i].upper, (uint32_t)(row + i)});
      if (bounds[i].lower <= threshold) continue;
      if (least.size() == limit) {
        std::pop_heap(least.begin(), least.end(), smallestOnTop);
        least.pop_back();
      }
      least.push_back(bounds[i].lower);
      std::push_heap(least.begin(), least.end(), smallestOnTop);
      if (least.size() == limit) threshold = least.front();
    }
  }

  // The refinement. `best` is a heap with the worst of the best on top.
  const auto isOut = [&](const Candidate& candidate) { return candidate.upper < threshold; };
  candidates.erase(std::remove_if(candidates.begin(), candidates.end(), isOut), candidates.end());
  std::make_heap(candidates.begin(), candidates.end());
  struct Ranked {
    Neighbour neighbour;
    size_t row;
  };
  std::vector<Ranked> best;
  const auto isBetter = [&](const Ranked& a, const Ranked& b) {
    return isBefore(a.neighbour, a.row, b.neighbour, b.row);
  };
  while (!candidates.empty()) {
    const Candidate next = candidates.front();
    if (best.size() == limit && (double)next.upper < best.front().neighbour.score) break;
    std::pop_heap(candidates.begin(), candidates.end());
    candidates.pop_back();
    const uint32_t label = chunks_[next.row / kChunkRows].labels[next.row % kChunkRows];
    const Ranked ranked = {{label, product(vector, next.row)}, next.row};
    refined_++;
    if (best.size() == limit) {
      if (!isBetter(ranked, best.front())) continue;
      std::pop_heap(best.begin(), best.end(), isBetter);
      best.pop_back();
    }
    best.push_back(ranked);
    std::push_heap(best.begin(), best.end(), isBetter);
  }
  std::sort_heap(best.begin(), best.end(), isBetter);
  for (const Ranked& ranked : best) found->push_back(ranked.neighbour);
  return true;
}

bool VectorIndex::score(const float* question, uint32_t label, double* score) const {
  if (label >= rowOf_.size() || rowOf_[label] == kNone) return false;
  *score = product(question, rowOf_[label]);
  return true;
}

bool VectorIndex::bounds(const float* vector, uint32_t label, Bounds* bounds) const {
  Question question;
  if (label >= rowOf_.size() || rowOf_[label] == kNone || !prepare(vector, &question)) return false;
  const size_t row = rowOf_[label], first = row / kGroupRows * kGroupRows;
  Bounds group[kGroupRows];
  boundRows(chunks_[row / kChunkRows], first % kChunkRows, kGroupRows, question, group);
  *bounds = group[row - first];
  return true;
}

}  // namespace swarm
