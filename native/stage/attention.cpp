// The attention half of a layer. Positions' heads are placed first (norm, rotation, cache rows), then
// each position looks at everything up to itself; values are summed in fixed partials of positions, so
// that long contexts can be shared between threads without changing a bit.

#include <string.h>

#include <algorithm>

#include "forward.h"

namespace swarm {

namespace {
constexpr size_t kPartial = 256;  // positions per partial sum, docs/arithmetic.md section 6
}

// Query and key norms, rotation, and the rows of the cache for one position.
void Forward::placeHeads(const Layer& layer, size_t index, const Step& step, size_t t) {
  const size_t headDim = config_.headDim, stride = step.cache->stride();
  const float* table = work_.angles.data() + t * rope_->tableFloats();
  float head[kHeadDimMax];
  const auto place = [&](const float* from, const Matrix& norm, bool rotate) {
    std::fill(head + headDim, head + stride, 0.0f);
    memcpy(head, from, headDim * 4);
    if (norm) {
      kernels_.rmsNorm(head, norm.floats(), stride, headDim, config_.normEpsilon, head);
    }
    if (rotate) rope_->rotate(table, head);
  };
  const auto store = [&](CacheRows rows) {
    const size_t at = (step.position + t) * stride;
    if (!rows.half) memcpy((float*)rows.rows + at, head, stride * 4);
    else if (!kernels_.toHalf(head, (uint16_t*)rows.rows + at, stride)) note(kNotFinite);
  };
  for (size_t h = 0; h < config_.nHeads; h++) {
    place(work_.q.row(t) + h * headDim, layer[Role::AttnQNorm], true);
    memcpy(work_.heads.data() + (t * config_.nHeads + h) * stride, head, stride * 4);
  }
  for (size_t h = 0; h < config_.nKvHeads; h++) {
    place(work_.k.row(t) + h * headDim, layer[Role::AttnKNorm], true);
    store(step.cache->keys(index, h));
    place(work_.v.row(t) + h * headDim, Matrix{}, false);
    store(step.cache->values(index, h));
  }
}

// One position's queries of one KV head over everything up to that position.
void Forward::attend(const Step& step, size_t index, size_t t, size_t kvHead, float* scratch) {
  const size_t n = step.position + t + 1, stride = step.cache->stride(), headDim = config_.headDim;
  const size_t shared = config_.nHeads / config_.nKvHeads;
  const CacheRows keys = step.cache->keys(index, kvHead), values = step.cache->values(index, kvHead);
  const size_t elementBytes = values.half ? 2 : 4;
  const float scale = 1.0f / __builtin_sqrtf((float)headDim);
  float* scores = scratch;
  float* sum = scratch + paddedFloats(step.cache->capacity());
  float* part = sum + stride;
  for (size_t h = kvHead * shared; h < (kvHead + 1) * shared; h++) {
    const float* q = work_.heads.data() + (t * config_.nHeads + h) * stride;
    kernels_.scores(q, keys, n, scale, scores);
    const float top = kernels_.maximum(scores, n);
    float total = 0;
    for (size_t from = 0; from < n; from += kPartial) {
      const size_t count = std::min(kPartial, n - from);
      const CacheRows rows = {(const uint8_t*)values.rows + from * stride * elementBytes, values.half,
                              stride};
      const float exps = kernels_.expSum(scores + from, count, top, scores + from);
      kernels_.mixValues(scores + from, rows, count, stride, from == 0 ? sum : part);
      total = from == 0 ? exps : total + exps;
      if (from > 0) kernels_.add(sum, part, stride);
    }
    float* out = work_.attended.row(t) + h * headDim;
    for (size_t k = 0; k < headDim; k++) out[k] = sum[k] / total;
  }
}

void Forward::attentionHalf(const Layer& layer, size_t index, const Step& step, Team& team,
                            int thread) {
  const Matrix &wq = layer[Role::AttnQ], &wk = layer[Role::AttnK], &wv = layer[Role::AttnV];
  const Formats formats = Formats().with(wq.type).with(wk.type).with(wv.type);
  normRows(work_.x, layer[Role::AttnNorm], work_.normed, 0, step.nTokens, formats, team);
  const auto biasOf = [&](Role role) { return layer[role] ? &layer[role] : nullptr; };
  const Product qkv[] = {
      {&wq, &work_.normed, &work_.q, biasOf(Role::AttnQBias), nullptr, nullptr, 0},
      {&wk, &work_.normed, &work_.k, biasOf(Role::AttnKBias), nullptr, nullptr, 0},
      {&wv, &work_.normed, &work_.v, biasOf(Role::AttnVBias), nullptr, nullptr, 0},
  };
  multiply(qkv, 3, step.nTokens, team);
  team.share(step.nTokens, [&](size_t t) { placeHeads(layer, index, step, t); });
  float* scratch = work_.scores[(size_t)thread].data();
  team.share(step.nTokens * config_.nKvHeads, [&](size_t i) {
    attend(step, index, i / config_.nKvHeads, i % config_.nKvHeads, scratch);
  });
  const Matrix& wo = layer[Role::AttnOutput];
  quantiseRows(work_.attended, step.nTokens, Formats().with(wo.type), team);
  const Product out = {&wo, &work_.attended, &work_.delta, biasOf(Role::AttnOutputBias), &work_.x,
                       nullptr, 0};
  multiply(&out, 1, step.nTokens, team);
}

}  // namespace swarm
