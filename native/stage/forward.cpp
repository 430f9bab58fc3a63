// The forward pass. Every function that takes a Team runs on all threads at once and ends at a barrier;
// chunks of work never share an output element, so the order in which threads take them is free.

#include "forward.h"

#include <string.h>

#include <algorithm>

#include "../kernels/dispatch.h"
#include "dequantize.h"

namespace swarm {

namespace {

// Rows per chunk of a matrix product: enough chunks to keep threads even, and a multiple of the 32 rows
// that a tile takes.
constexpr size_t kChunkRows = 64;
// Gate and up take turns chunk by chunk, and with each turn reading begins anew in another place: a tenth of
// the bandwidth. So few positions, which read more than they compute, take chunks up to so long, of which a
// thread still gets some.
constexpr size_t kReadingPositions = 8;
constexpr size_t kPairRowsMax = 512;
constexpr size_t kPairChunks = 8;
// Positions that go through a layer together, so that the buffers of a step stay small: enough that products
// are bound by arithmetic and not by reading weights. A longer step comes back to a layer while it is there,
// which counts where it had to be read from disk.
constexpr size_t kBandRows = 128;
// Bytes of weights times positions per layer below which one thread is faster than several: a core takes
// about 30 microseconds for them, and a layer's ten barriers with a thread to wake take as long.
constexpr uint64_t kAloneBytes = uint64_t(1) << 20;

size_t rowsPerChunk(size_t rows, bool isPair, size_t positions, int threads) {
  if (!isPair || positions > kReadingPositions) return kChunkRows;
  const size_t own = rows / (kPairChunks * (size_t)threads) / kChunkRows * kChunkRows;
  return std::clamp(own, kChunkRows, kPairRowsMax);
}

bool allFinite(const float* x, size_t n) {
  uint32_t top = 0;
  for (size_t i = 0; i < n; i++) {
    uint32_t bits;
    memcpy(&bits, x + i, 4);
    top = std::max(top, bits & 0x7fffffff);
  }
  return top < 0x7f800000;
}

}  // namespace

void Forward::quantiseRow(Rows& rows, size_t t, Formats formats, size_t part) {
  bool finite = true;
  if (formats.blocks256) {
    finite &= kernels_.quantize256(rows.row(t), rows.width, (Activation256*)rows.row256(t));
  }
  if (formats.blocks32) {
    finite &= kernels_.quantize32(rows.row(t), rows.width,
                                  (Activation32*)(rows.blocks32.data() + t * rows.bytes32()));
  }
  if (!finite) note(part, kNotFinite);
}

void Forward::quantiseRows(Rows& rows, Formats formats, Band band, Team& team) {
  if (!formats.any()) return;
  team.share(band.count,
             [&](size_t t) { quantiseRow(rows, t, formats, work_.partOf[band.first + t]); });
}

void Forward::normRows(const Matrix& weight, Formats formats, Band band, Team& team) {
  team.share(band.count, [&](size_t t) {
    kernels_.rmsNorm(work_.x.row(band.first + t), weight.floats(), work_.x.stride, work_.x.width,
                     config_.normEpsilon, work_.normed.row(t));
    quantiseRow(work_.normed, t, formats, work_.partOf[band.first + t]);
  });
}

void Forward::multiply(const Product* products, size_t count, Band band, Team& team) {
  const bool isPair = products[count - 1].gate != nullptr;
  const size_t chunkRows = rowsPerChunk(products[0].weight->rows, isPair, band.count, team.size());
  const auto chunksOf = [&](const Product& product) {
    return (product.weight->rows + chunkRows - 1) / chunkRows;
  };
  size_t chunks = 0;
  for (size_t p = 0; p < count; p++) {
    if (!products[p].gate) chunks += chunksOf(products[p]);
  }
  const auto chunkOf = [&](const Product& product, size_t row) {
    const Matrix& w = *product.weight;
    const size_t rows = std::min(chunkRows, w.rows - row);
    Multiply job;
    job.weights = w.data + rowOffset(w.type, row, w.cols);
    job.nRows = rows;
    job.k = w.cols;
    job.nTokens = band.count;
    job.out = product.out->row(0) + row;
    job.outStride = product.out->stride;
    job.reading = readingHere();
    Rows& x = *product.x;
    if (!isQuantised(w.type)) {
      job.x = (const uint8_t*)x.row(0);
      job.xStride = x.stride * sizeof(float);
    } else if (usesBlocks256(w.type)) {
      job.xStride = x.bytes256();
      job.x = x.row256(0);
    } else {
      job.xStride = x.bytes32();
      job.x = x.blocks32.data();
    }
    kernels_.multiply[(int)w.type](job);
    const size_t padded = paddedFloats(rows);
    for (size_t t = 0; t < band.count; t++) {
      float* out = product.out->row(t) + row;
      if (product.bias) kernels_.add(out, product.bias->floats() + row, padded);
      if (product.gate) kernels_.siluMultiply(product.gate->row(t) + row, out, padded);
      if (product.isLast) kernels_.add(work_.x.row(band.first + t) + row, out, padded);
    }
  };
  team.share(chunks, [&](size_t chunk) {
    for (size_t p = 0; p < count; p++) {
      if (products[p].gate) continue;
      const size_t own = chunksOf(products[p]);
      if (chunk >= own) {
        chunk -= own;
        continue;
      }
      chunkOf(products[p], chunk * chunkRows);
      // The second of a gate-and-up pair follows on the same rows, while they are in the cache.
      if (p + 1 < count && products[p + 1].gate) chunkOf(products[p + 1], chunk * chunkRows);
      return;
    }
  });
}

void Forward::embed(Team& team) {
  team.share(nRows_, [&](size_t t) {
    const StepPart& part = partOf(t);
    const size_t at = t - part.row;
    float* row = work_.x.row(t);
    if (part.ids) {
      const Matrix& table = (*weights_.embedding())[Role::TokenEmbedding];
      std::vector<uint8_t> file(fileRowBytes(table.type, table.cols));
      unpackRow(table.type, table.data, (size_t)part.ids[at], table.cols, file.data());
      dequantizeRow(table.type, file.data(), table.cols, row);
    } else {
      memcpy(row, part.input + at * config_.dim * 4, config_.dim * 4);
    }
    std::fill(row + config_.dim, row + work_.x.stride, 0.0f);
    rope_->angles(part.position + at, work_.angles.data() + t * rope_->tableFloats());
  });
}

void Forward::gateUp(const Layer& layer, Band band, Team& team) {
  const Matrix &gate = layer[Role::FfnGate], &up = layer[Role::FfnUp];
  const Formats formats = Formats().with(gate.type).with(up.type);
  normRows(layer[Role::FfnNorm], formats, band, team);
  const Product pair[] = {
      {&gate, &work_.normed, &work_.gate, nullptr, false, nullptr},
      {&up, &work_.normed, &work_.up, nullptr, false, &work_.gate},
  };
  multiply(pair, 2, band, team);
}

void Forward::down(const Layer& layer, Band band, Team& team) {
  const Matrix& down = layer[Role::FfnDown];
  quantiseRows(work_.gate, Formats().with(down.type), band, team);
  const Product out = {&down, &work_.gate, &work_.delta, nullptr, true, nullptr};
  multiply(&out, 1, band, team);
}

void Forward::headOver(Team& team) {
  const Layer& head = *weights_.head();
  const Matrix* table = &head[Role::Output];
  if (!*table) table = &head[Role::TokenEmbedding];
  if (!*table) table = &(*weights_.embedding())[Role::TokenEmbedding];
  const Formats formats = Formats().with(table->type);
  team.share(nHeadRows_, [&](size_t h) {
    const size_t t = work_.headRowOf[h];
    kernels_.rmsNorm(work_.x.row(t), head[Role::OutputNorm].floats(), work_.x.stride, work_.x.width,
                     config_.normEpsilon, work_.normed.row(h));
    quantiseRow(work_.normed, h, formats, work_.partOf[t]);
  });
  const Product product = {table, &work_.normed, &work_.logits, nullptr, false, nullptr};
  multiply(&product, 1, {0, nHeadRows_}, team);
}

// Numbers the rows of the parts and sizes every buffer for them; buffers only grow.
void Forward::prepare(size_t start, size_t end, int threads) {
  if (!rope_) {
    std::vector<float> factors;
    const Matrix& tensor = (*weights_.common())[Role::RopeFreqs];
    if (tensor) factors.assign(tensor.floats(), tensor.floats() + tensor.cols);
    rope_ = std::make_unique<Rope>(config_.rope, factors);
  }
  size_t positions = 0;
  nRows_ = 0;
  work_.partOf.clear();
  work_.headRowOf.clear();
  for (size_t p = 0; p < parts_.size(); p++) {
    StepPart& part = *parts_[p];
    part.row = nRows_;
    part.headRow = work_.headRowOf.size();
    nRows_ += part.nTokens;
    work_.partOf.resize(nRows_, (uint32_t)p);
    positions = std::max(positions, part.position + part.nTokens);
    if (end < config_.nLayers || !(part.sampler || part.logits)) continue;
    for (size_t t = part.allLogits || part.draft ? part.row : nRows_ - 1; t < nRows_; t++) {
      work_.headRowOf.push_back(t);
    }
    part.headRows = work_.headRowOf.size() - part.headRow;
  }
  nHeadRows_ = work_.headRowOf.size();
  if (troubles_ < parts_.size()) {
    troubles_ = parts_.size();
    trouble_ = std::make_unique<std::atomic<int>[]>(troubles_);
  }
  for (size_t p = 0; p < parts_.size(); p++) trouble_[p] = kNone;
  const size_t n = std::min(nRows_, kBandRows), nNormed = std::max(n, nHeadRows_);
  const size_t headDim = config_.headDim, stride = kvStrideMax(headDim);
  work_.x.shape(nRows_, config_.dim);
  work_.normed.shape(nNormed, config_.dim);
  work_.delta.shape(n, config_.dim);
  work_.q.shape(n, config_.nHeads * headDim);
  work_.k.shape(n, config_.nKvHeads * headDim);
  work_.v.shape(n, config_.nKvHeads * headDim);
  work_.attended.shape(n, config_.nHeads * headDim);
  work_.gate.shape(n, config_.hiddenDim);
  work_.up.shape(n, config_.hiddenDim);
  if (nHeadRows_ > 0) work_.logits.shape(nHeadRows_, config_.vocabSize);
  for (Rows* rows : {&work_.normed, &work_.attended, &work_.gate}) {
    const size_t count = rows == &work_.normed ? nNormed : n;
    rows->makeBlocks256(count);
    rows->blocks32.resize(std::max(rows->blocks32.size(), count * rows->bytes32()));
  }
  work_.angles.resize(std::max(work_.angles.size(), nRows_ * rope_->tableFloats()));
  work_.heads.resize(std::max(work_.heads.size(), n * config_.nHeads * stride));
  work_.scores.resize((size_t)threads);
  for (auto& scratch : work_.scores) {
    scratch.resize(std::max(scratch.size(), kHeadGroup * (paddedFloats(positions) + 2 * stride)));
  }
  bytesPerLayer_ = 0;
  for (size_t i = start; i < end; i++) bytesPerLayer_ += weights_.layerBytes(i);
  bytesPerLayer_ /= end - start;
}

// Whether no part has a reason to go on; thread 0's to ask.
bool Forward::areOver() {
  bool all = true;
  for (size_t p = 0; p < parts_.size(); p++) {
    const std::atomic<int>* cancel = parts_[p]->cancel;
    if (cancel && cancel->load(std::memory_order_relaxed)) note(p, kCancel);
    all = all && trouble_[p] != kNone;
  }
  return all;
}

// Thread 0 decides before the barrier and all read after it, so that no thread leaves alone. Behind the last
// layer comes the head, which needs no entering.
bool Forward::goOn(Team& team, int thread, size_t layer, LayerPart part) {
  if (thread == 0) {
    stop_ = areOver();
    if (!stop_ && layer < config_.nLayers) {
      unread_ = weights_.enter(layer, part, [this] { return areOver(); });
      for (size_t p = 0; p < parts_.size() && !unread_.ok(); p++) note(p, kUnread);
      stop_ = areOver();
    }
  }
  team.barrier();
  return !stop_;
}

// All threads have passed the barrier behind the last product with it.
void Forward::leave(int thread, size_t layer, LayerPart part) {
  if (thread == 0) weights_.leave(layer, part);
}

// Part by part, so that one from disk is left as soon as may be: the next one of its kind takes its place.
// False when there is no reason to go on.
bool Forward::passLayer(size_t index, Team& team, int thread) {
  const Layer& layer = weights_.layer(index);
  const auto bandAt = [&](size_t first) { return Band{first, std::min(kBandRows, nRows_ - first)}; };
  for (size_t first = 0; first < nRows_; first += kBandRows) {
    if (!goOn(team, thread, index, LayerPart::Attention)) return false;
    attentionHalf(layer, index, bandAt(first), team, thread);
  }
  leave(thread, index, LayerPart::Attention);
  // Nobody has to wait for what is resident.
  const bool waitsForGateUp = weights_.streams(index, LayerPart::GateUp);
  const bool waitsForDown = weights_.streams(index, LayerPart::Down);
  for (size_t first = 0; first < nRows_; first += kBandRows) {
    if (waitsForGateUp && !goOn(team, thread, index, LayerPart::GateUp)) return false;
    gateUp(layer, bandAt(first), team);
    if (first + kBandRows >= nRows_) leave(thread, index, LayerPart::GateUp);
    if (waitsForDown && !goOn(team, thread, index, LayerPart::Down)) return false;
    down(layer, bandAt(first), team);
  }
  leave(thread, index, LayerPart::Down);
  return true;
}

void Forward::run(const Step& step, const std::vector<StepPart*>& due, Team& team) {
  parts_ = due;
  prepare(step.start, step.end, team.size());
  const auto body = [&](int thread) {
    embed(team);
    for (size_t i = step.start; i < step.end; i++) {
      if (!passLayer(i, team, thread)) return;
    }
    if (nHeadRows_ > 0) {
      if (!goOn(team, thread)) return;
      headOver(team);
    }
    team.share(parts_.size(), [&](size_t p) { finishPart(p); });
  };
  const size_t bytes = bytesPerLayer_ * (step.end - step.start);
  const bool alone = bytesPerLayer_ * nRows_ < kAloneBytes;
  const int forced = std::min(alone && step.threads == 0 ? 1 : step.threads, team.size());
  // A long step's chunks are so long that a thread held back takes fewer of them and that is all; steps of
  // few positions wait for it at every barrier. One kind each: 1, 2, up to 4, up to 8, up to 16 positions.
  int kind = 0;
  while (size_t(1) << kind < nRows_) kind++;
  // What a disk takes says nothing about threads.
  const bool isPaced = kind < Team::kKinds && !weights_.streams(step.start, step.end);
  if (forced > 0) team.run(body, forced);
  else if (isPaced) team.runPaced(body, (double)bytes * (double)nRows_, kind);
  else team.run(body);
  weights_.leaveAll();
  settle(step.start, step.end);
}

// What a part gets of the rows that are done: its output, its logits and its token.
void Forward::finishPart(size_t index) {
  StepPart& part = *parts_[index];
  if (trouble_[index] != kNone) return;
  bool finite = true;
  for (size_t t = 0; t < part.nTokens && finite; t++) {
    finite = allFinite(work_.x.row(part.row + t), config_.dim);
  }
  for (size_t h = 0; h < part.headRows && finite; h++) {
    finite = allFinite(work_.logits.row(part.headRow + h), config_.vocabSize);
  }
  if (!finite) return note(index, kNotFinite);
  for (size_t t = 0; t < part.nTokens && part.output; t++) {
    memcpy(part.output + t * config_.dim * 4, work_.x.row(part.row + t), config_.dim * 4);
  }
  const size_t firstLogits = part.allLogits ? 0 : part.headRows - 1;
  for (size_t h = firstLogits; h < part.headRows && part.logits; h++) {
    memcpy(part.logits + (h - firstLogits) * config_.vocabSize, work_.logits.row(part.headRow + h),
           config_.vocabSize * 4);
  }
  if (!part.sampler) return;
  const size_t chosenFrom = part.draft ? 0 : part.nTokens - 1;
  for (size_t t = chosenFrom; t < part.nTokens; t++) {
    const size_t h = part.headRow + part.headRows - (part.nTokens - t);
    part.sampled.push_back(
        part.sampler->sample(work_.logits.row(h), config_.vocabSize, part.position + t + 1));
    // What follows a wrong guess is no row that plain decoding would have.
    if (t + 1 < part.nTokens && part.sampled.back().id != (uint32_t)part.draft[t]) break;
  }
}

void Forward::settle(size_t start, size_t end) {
  for (size_t p = 0; p < parts_.size(); p++) {
    StepPart& part = *parts_[p];
    if (trouble_[p] == kCancel) {
      part.status = Status::fail(kCancelled, "cancelled");
    } else if (trouble_[p] == kUnread) {
      part.status = unread_;
    } else if (trouble_[p] == kNotFinite) {
      part.status = Status::fail(
          "STAGE_NOT_FINITE", "layers " + std::to_string(start) + "-" + std::to_string(end - 1) +
                                  " gave a value that is not finite at position " +
                                  std::to_string(part.position) + "; the model file may be damaged");
    } else {
      part.cache->advance(start, end, part.position + part.nTokens);
    }
  }
  parts_.clear();
}

}  // namespace swarm
