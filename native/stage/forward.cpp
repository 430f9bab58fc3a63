// The forward pass. Every function that takes a Team runs on all threads at once and ends at a barrier;
// chunks of work never share an output element, so the order in which threads take them is free.

#include "forward.h"

#include <string.h>

#include <algorithm>

#include "dequantize.h"

namespace swarm {

namespace {

// Rows per chunk of a matrix product: enough chunks to keep threads even, and a multiple of the 32 rows
// that a tile takes.
constexpr size_t kChunkRows = 64;
// Bytes of weights times positions per layer below which one thread is faster than several: a core takes
// about 30 microseconds for them, and a layer's ten barriers with a thread to wake take as long.
constexpr uint64_t kAloneBytes = uint64_t(1) << 20;

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

void Forward::quantiseRow(Rows& rows, size_t t, Formats formats) {
  bool finite = true;
  if (formats.blocks256) {
    finite &= kernels_.quantize256(rows.row(t), rows.width,
                                   (Activation256*)(rows.blocks256.data() + t * rows.bytes256()));
  }
  if (formats.blocks32) {
    finite &= kernels_.quantize32(rows.row(t), rows.width,
                                  (Activation32*)(rows.blocks32.data() + t * rows.bytes32()));
  }
  if (!finite) note(kNotFinite);
}

void Forward::quantiseRows(Rows& rows, size_t nTokens, Formats formats, Team& team) {
  if (!formats.any()) return;
  team.share(nTokens, [&](size_t t) { quantiseRow(rows, t, formats); });
}

void Forward::normRows(const Rows& from, const Matrix& weight, Rows& to, size_t first,
                       size_t nTokens, Formats formats, Team& team) {
  team.share(nTokens, [&](size_t t) {
    kernels_.rmsNorm(from.floats.data() + (first + t) * from.stride, weight.floats(), from.stride,
                     from.width, config_.normEpsilon, to.row(t));
    quantiseRow(to, t, formats);
  });
}

void Forward::multiply(const Product* products, size_t count, size_t nTokens, Team& team) {
  size_t chunks = 0;
  for (size_t p = 0; p < count; p++) {
    if (!products[p].gate) chunks += (products[p].weight->rows + kChunkRows - 1) / kChunkRows;
  }
  const auto chunkOf = [&](const Product& product, size_t row) {
    const Matrix& w = *product.weight;
    const size_t rows = std::min(kChunkRows, w.rows - row);
    Multiply job;
    job.weights = w.data + rowOffset(w.type, row, w.cols);
    job.nRows = rows;
    job.k = w.cols;
    job.nTokens = nTokens;
    job.out = product.out->row(0) + row;
    job.outStride = product.out->stride;
    Rows& x = *product.x;
    if (!isQuantised(w.type)) {
      job.x = (const uint8_t*)x.row(product.firstRow);
      job.xStride = x.stride * sizeof(float);
    } else if (usesBlocks256(w.type)) {
      job.xStride = x.bytes256();
      job.x = x.blocks256.data() + product.firstRow * job.xStride;
    } else {
      job.xStride = x.bytes32();
      job.x = x.blocks32.data() + product.firstRow * job.xStride;
    }
    kernels_.multiply[(int)w.type](job);
    const size_t padded = paddedFloats(rows);
    for (size_t t = 0; t < nTokens; t++) {
      float* out = product.out->row(t) + row;
      if (product.bias) kernels_.add(out, product.bias->floats() + row, padded);
      if (product.gate) kernels_.siluMultiply(product.gate->row(t) + row, out, padded);
      if (product.target) kernels_.add(product.target->row(t) + row, out, padded);
    }
  };
  team.share(chunks, [&](size_t chunk) {
    for (size_t p = 0; p < count; p++) {
      if (products[p].gate) continue;
      const size_t own = (products[p].weight->rows + kChunkRows - 1) / kChunkRows;
      if (chunk >= own) {
        chunk -= own;
        continue;
      }
      chunkOf(products[p], chunk * kChunkRows);
      // The second of a gate-and-up pair follows on the same rows, while they are in the cache.
      if (p + 1 < count && products[p + 1].gate) chunkOf(products[p + 1], chunk * kChunkRows);
      return;
    }
  });
}

void Forward::embed(const Step& step, Team& team) {
  team.share(step.nTokens, [&](size_t t) {
    float* row = work_.x.row(t);
    if (step.ids) {
      const Matrix& table = (*weights_.embedding())[Role::TokenEmbedding];
      std::vector<uint8_t> file(fileRowBytes(table.type, table.cols));
      unpackRow(table.type, table.data, (size_t)step.ids[t], table.cols, file.data());
      dequantizeRow(table.type, file.data(), table.cols, row);
    } else {
      memcpy(row, step.input + t * config_.dim * 4, config_.dim * 4);
    }
    std::fill(row + config_.dim, row + work_.x.stride, 0.0f);
    rope_->angles(step.position + t, work_.angles.data() + t * rope_->tableFloats());
  });
}

void Forward::feedForwardHalf(const Layer& layer, const Step& step, Team& team) {
  const Matrix &gate = layer[Role::FfnGate], &up = layer[Role::FfnUp], &down = layer[Role::FfnDown];
  const Formats formats = Formats().with(gate.type).with(up.type);
  normRows(work_.x, layer[Role::FfnNorm], work_.normed, 0, step.nTokens, formats, team);
  const Product pair[] = {
      {&gate, &work_.normed, &work_.gate, nullptr, nullptr, nullptr, 0},
      {&up, &work_.normed, &work_.up, nullptr, nullptr, &work_.gate, 0},
  };
  multiply(pair, 2, step.nTokens, team);
  quantiseRows(work_.gate, step.nTokens, Formats().with(down.type), team);
  const Product out = {&down, &work_.gate, &work_.delta, nullptr, &work_.x, nullptr, 0};
  multiply(&out, 1, step.nTokens, team);
}

void Forward::headOver(const Step& step, Team& team) {
  const Layer& head = *weights_.head();
  const Matrix* table = &head[Role::Output];
  if (!*table) table = &head[Role::TokenEmbedding];
  if (!*table) table = &(*weights_.embedding())[Role::TokenEmbedding];
  const size_t first = step.allLogits ? 0 : step.nTokens - 1;
  const size_t wanted = step.nTokens - first;
  normRows(work_.x, head[Role::OutputNorm], work_.normed, first, wanted,
           Formats().with(table->type), team);
  const Product product = {table, &work_.normed, &work_.logits, nullptr, nullptr, nullptr, 0};
  multiply(&product, 1, wanted, team);
}

// Sizes every buffer for this step; buffers only grow.
void Forward::prepare(const Step& step, bool needsHead, int threads) {
  if (!rope_) {
    std::vector<float> factors;
    const Matrix& tensor = (*weights_.common())[Role::RopeFreqs];
    if (tensor) factors.assign(tensor.floats(), tensor.floats() + tensor.cols);
    rope_ = std::make_unique<Rope>(config_.rope, factors);
  }
  const size_t n = step.nTokens, headDim = config_.headDim, stride = step.cache->stride();
  work_.x.shape(n, config_.dim);
  work_.normed.shape(n, config_.dim);
  work_.delta.shape(n, config_.dim);
  work_.q.shape(n, config_.nHeads * headDim);
  work_.k.shape(n, config_.nKvHeads * headDim);
  work_.v.shape(n, config_.nKvHeads * headDim);
  work_.attended.shape(n, config_.nHeads * headDim);
  work_.gate.shape(n, config_.hiddenDim);
  work_.up.shape(n, config_.hiddenDim);
  if (needsHead) work_.logits.shape(step.allLogits ? n : 1, config_.vocabSize);
  for (Rows* rows : {&work_.normed, &work_.attended, &work_.gate}) {
    rows->blocks256.resize(std::max(rows->blocks256.size(), n * rows->bytes256()));
    rows->blocks32.resize(std::max(rows->blocks32.size(), n * rows->bytes32()));
  }
  work_.angles.resize(std::max(work_.angles.size(), n * rope_->tableFloats()));
  work_.heads.resize(std::max(work_.heads.size(), n * config_.nHeads * stride));
  work_.scores.resize((size_t)threads);
  for (auto& scratch : work_.scores) {
    scratch.resize(std::max(scratch.size(), paddedFloats(step.cache->capacity()) + 2 * stride));
  }
}

// Thread 0 decides before the barrier and all read after it, so that no thread leaves alone.
bool Forward::goOn(const Step& step, Team& team, int thread) {
  if (thread == 0) {
    if (step.cancel && step.cancel->load(std::memory_order_relaxed)) trouble_ = kCancel;
    stop_ = trouble_ != kNone;
  }
  team.barrier();
  return !stop_;
}

Status Forward::run(Step& step, Team& team) {
  const bool last = step.end == config_.nLayers;
  const bool needsHead = last && (step.sampler || step.logits);
  prepare(step, needsHead, team.size());
  trouble_ = kNone;
  uint64_t bytes = 0;
  for (size_t i = step.start; i < step.end; i++) bytes += weights_.layer(i)->memory.size();
  const bool alone = bytes / (step.end - step.start) * step.nTokens < kAloneBytes;
  const int forced = std::min(alone && step.threads == 0 ? 1 : step.threads, team.size());
  const auto body = [&](int thread) {
    embed(step, team);
    for (size_t i = step.start; i < step.end; i++) {
      if (!goOn(step, team, thread)) return;
      attentionHalf(*weights_.layer(i), i, step, team, thread);
      feedForwardHalf(*weights_.layer(i), step, team);
    }
    if (needsHead && goOn(step, team, thread)) headOver(step, team);
  };
  // A long step's chunks are so long that a thread held back takes fewer of them and that is all; steps of
  // few positions wait for it at every barrier. One kind each: 1, 2, up to 4, up to 8, up to 16 positions.
  int kind = 0;
  while (size_t(1) << kind < step.nTokens) kind++;
  if (forced > 0) team.run(body, forced);
  else if (kind < Team::kKinds) team.runPaced(body, (double)bytes * (double)step.nTokens, kind);
  else team.run(body);
  return finish(step, needsHead);
}

Status Forward::finish(Step& step, bool needsHead) {
  const size_t n = step.nTokens;
  if (trouble_ == kCancel) return Status::fail(kCancelled, "cancelled");
  bool finite = trouble_ == kNone;
  for (size_t t = 0; t < n && finite; t++) finite = allFinite(work_.x.row(t), config_.dim);
  const size_t wanted = step.allLogits ? n : 1;
  for (size_t t = 0; t < wanted && finite && needsHead; t++) {
    finite = allFinite(work_.logits.row(t), config_.vocabSize);
  }
  if (!finite) {
    return Status::fail("STAGE_NOT_FINITE",
                        "layers " + std::to_string(step.start) + "-" + std::to_string(step.end - 1) +
                            " gave a value that is not finite at position " +
                            std::to_string(step.position) + "; the model file may be damaged");
  }
  for (size_t t = 0; t < n && step.output; t++) {
    memcpy(step.output + t * config_.dim * 4, work_.x.row(t), config_.dim * 4);
  }
  for (size_t t = 0; t < wanted && step.logits; t++) {
    memcpy(step.logits + t * config_.vocabSize, work_.logits.row(t), config_.vocabSize * 4);
  }
  if (step.sampler) {
    step.token = step.sampler->sample(work_.logits.row(wanted - 1), config_.vocabSize,
                                      step.position + n);
  }
  step.cache->setLength(step.position + n);
  return {};
}

}  // namespace swarm
