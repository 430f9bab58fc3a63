// The attention half of a layer. Positions' heads are placed first (norm, rotation, cache rows), then
// each position looks at everything up to itself; values are summed in fixed partials of positions, so
// that long contexts can be shared between threads without changing a bit.

#include <string.h>

#include <algorithm>

#include "forward.h"

namespace swarm {

// Query and key norms, rotation, and the rows of the cache for one position.
void Forward::placeHeads(const Layer& layer, size_t index, Band band, size_t t) {
  const size_t row = band.first + t;
  const StepPart& part = partOf(row);
  KvCache& cache = *part.cache;
  const size_t headDim = config_.headDim, stride = kvStrideMax(headDim);
  const size_t position = part.position + row - part.row;
  const float* table = work_.angles.data() + row * rope_->tableFloats();
  float head[kHeadDimMax];
  const auto place = [&](const float* from, const Matrix& norm, bool rotate) {
    std::fill(head + headDim, head + stride, 0.0f);
    memcpy(head, from, headDim * 4);
    if (norm) {
      kernels_.rmsNorm(head, norm.floats(), paddedFloats(headDim), headDim, config_.normEpsilon, head);
    }
    if (rotate) rope_->rotate(table, head);
  };
  bool finite = true;
  for (size_t h = 0; h < config_.nHeads; h++) {
    place(work_.q.row(t) + h * headDim, layer[Role::AttnQNorm], true);
    memcpy(work_.heads.data() + (t * config_.nHeads + h) * stride, head, stride * 4);
  }
  for (size_t h = 0; h < config_.nKvHeads; h++) {
    place(work_.k.row(t) + h * headDim, layer[Role::AttnKNorm], true);
    finite &= cache.storeKey(kernels_, index, h, position, head);
    place(work_.v.row(t) + h * headDim, Matrix{}, false);
    finite &= cache.storeValue(kernels_, index, h, position, head);
  }
  if (!finite) note(work_.partOf[row], kNotFinite);
}

// One position's queries of one KV head over everything up to that position, page by page: a page is a
// partial sum.
void Forward::attend(size_t index, Band band, size_t t, size_t kvHead, float* scratch) {
  const size_t row = band.first + t;
  const StepPart& part = partOf(row);
  const KvCache& cache = *part.cache;
  const size_t n = part.position + row - part.row + 1, scoreStride = paddedFloats(n);
  const size_t headStride = kvStrideMax(config_.headDim), stride = cache.stride();
  const size_t shared = config_.nHeads / config_.nKvHeads, headDim = config_.headDim;
  const float scale = 1.0f / __builtin_sqrtf((float)headDim);
  float* scores = scratch;
  float* sum = scratch + kHeadGroup * scoreStride;
  float* sumOfPage = sum + kHeadGroup * headStride;
  float top[kHeadGroup], total[kHeadGroup];
  const size_t end = (kvHead + 1) * shared, pages = (n + kPageTokens - 1) / kPageTokens;
  // Keys are read page by page, then values: each page names the one after it.
  const auto keysOf = [&](size_t page) {
    CacheRows keys = cache.keys(index, kvHead, page);
    keys.next = page + 1 < pages ? cache.keys(index, kvHead, page + 1).rows
                                 : cache.values(index, kvHead, 0).rows;
    return keys;
  };
  const auto valuesOf = [&](size_t page) {
    CacheRows values = cache.values(index, kvHead, page);
    if (page + 1 < pages) values.next = cache.values(index, kvHead, page + 1).rows;
    return values;
  };
  for (size_t first = kvHead * shared; first < end; first += kHeadGroup) {
    const size_t heads = std::min(kHeadGroup, end - first);
    const float* q = work_.heads.data() + (t * config_.nHeads + first) * headStride;
    for (size_t from = 0; from < n; from += kPageTokens) {
      const size_t count = std::min(kPageTokens, n - from);
      kernels_.scores({q, headStride, heads, scores + from, scoreStride},
                      keysOf(from / kPageTokens), count, scale);
    }
    for (size_t h = 0; h < heads; h++) top[h] = kernels_.maximum(scores + h * scoreStride, n);
    for (size_t from = 0; from < n; from += kPageTokens) {
      const size_t count = std::min(kPageTokens, n - from);
      for (size_t h = 0; h < heads; h++) {
        float* weights = scores + h * scoreStride + from;
        const float exps = kernels_.expSum(weights, count, top[h], weights);
        total[h] = from == 0 ? exps : total[h] + exps;
      }
      float* to = from == 0 ? sum : sumOfPage;
      kernels_.mixValues({scores + from, scoreStride, heads, to, headStride},
                         valuesOf(from / kPageTokens), count, stride);
      for (size_t h = 0; h < heads && from > 0; h++) {
        kernels_.add(sum + h * headStride, sumOfPage + h * headStride, stride);
      }
    }
    for (size_t h = 0; h < heads; h++) {
      float* out = work_.attended.row(t) + (first + h) * headDim;
      for (size_t k = 0; k < headDim; k++) out[k] = sum[h * headStride + k] / total[h];
    }
  }
}

void Forward::attentionHalf(const Layer& layer, size_t index, Band band, Team& team, int thread) {
  const Matrix &wq = layer[Role::AttnQ], &wk = layer[Role::AttnK], &wv = layer[Role::AttnV];
  const Formats formats = Formats().with(wq.type).with(wk.type).with(wv.type);
  normRows(layer[Role::AttnNorm], formats, band, team);
  const auto biasOf = [&](Role role) { return layer[role] ? &layer[role] : nullptr; };
  const Product qkv[] = {
      {&wq, &work_.normed, &work_.q, biasOf(Role::AttnQBias), false, nullptr},
      {&wk, &work_.normed, &work_.k, biasOf(Role::AttnKBias), false, nullptr},
      {&wv, &work_.normed, &work_.v, biasOf(Role::AttnVBias), false, nullptr},
  };
  multiply(qkv, 3, band, team);
  team.share(band.count, [&](size_t t) { placeHeads(layer, index, band, t); });
  float* scratch = work_.scores[(size_t)thread].data();
  team.share(band.count * config_.nKvHeads, [&](size_t i) {
    attend(index, band, i / config_.nKvHeads, i % config_.nKvHeads, scratch);
  });
  const Matrix& wo = layer[Role::AttnOutput];
  quantiseRows(work_.attended, Formats().with(wo.type), band, team);
  const Product out = {&wo, &work_.attended, &work_.delta, biasOf(Role::AttnOutputBias), true, nullptr};
  multiply(&out, 1, band, team);
}

}  // namespace swarm
