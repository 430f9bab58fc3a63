// Sorting is done only as far as the draw reaches: the order is total, so a longer sort would not
// change what stands before.

#include "sampler.h"

#include <string.h>

#include <algorithm>

namespace swarm {

namespace {

uint64_t splitmix64(uint64_t state) {
  state = (state ^ state >> 30) * 0xbf58476d1ce4e5b9;
  state = (state ^ state >> 27) * 0x94d049bb133111eb;
  return state ^ state >> 31;
}

uint64_t hashRow(uint64_t hash, const float* logits, size_t n) {
  constexpr uint64_t kPrime = 0x100000001b3;
  uint64_t state[8];
  for (uint64_t& s : state) s = 0xcbf29ce484222325;
  for (size_t i = 0; i < n; i++) {
    uint32_t word;
    memcpy(&word, logits + i, 4);
    state[i % 8] = (state[i % 8] ^ word) * kPrime;
  }
  for (const uint64_t s : state) {
    hash = (hash ^ s) * kPrime;
    hash = hash ^ hash >> 32;
  }
  return hash;
}

// Below this temperature the division could overflow and the draw would be the largest logit anyway.
constexpr float kColdest = 1e-4f;

// Largest first, lower id first among equals.
bool before(float za, uint32_t a, float zb, uint32_t b) { return za > zb || (za == zb && a < b); }

}  // namespace

uint32_t largest(const float* values, size_t n) {
  size_t best = 0;
  for (size_t i = 1; i < n; i++) {
    if (values[i] > values[best]) best = i;
  }
  return (uint32_t)best;
}

Sampled Sampler::sample(const float* logits, size_t vocab, uint64_t position) {
  hash_ = hashRow(hash_, logits, vocab);
  z_.assign(logits, logits + vocab);
  if (sampling_.presencePenalty != 0 || sampling_.frequencyPenalty != 0) {
    for (const auto& [id, count] : generated_) {
      const float penalty = sampling_.presencePenalty + sampling_.frequencyPenalty * (float)count;
      z_[id] = z_[id] - penalty;
    }
  }
  for (const auto& [id, value] : sampling_.bias) z_[id] = z_[id] + value;
  const uint32_t id = sampling_.temperature < kColdest ? largest(z_.data(), vocab) : draw(vocab, position);
  generated_[id]++;
  return {id, hash_};
}

uint32_t Sampler::draw(size_t vocab, uint64_t position) {
  for (float& z : z_) z = z / sampling_.temperature;
  order_.resize(vocab);
  for (uint32_t id = 0; id < vocab; id++) order_[id] = {z_[id], id};
  const auto first = [](const Candidate& a, const Candidate& b) { return before(a.z, a.id, b.z, b.id); };

  const size_t kept = sampling_.topK == 0 ? vocab : std::min(sampling_.topK, vocab);
  size_t sorted = 0;
  const auto sortTo = [&](size_t count) {
    count = std::min(count, kept);
    if (count <= sorted) return;
    std::partial_sort(order_.begin() + (ptrdiff_t)sorted, order_.begin() + (ptrdiff_t)count,
                      order_.end(), first);
    sorted = count;
  };
  sortTo(sampling_.topK == 0 ? 64 : kept);
  const float top = order_[0].z;

  weights_.resize(vocab);
  float total;
  if (kept == vocab) {
    total = kernels_.expSum(z_.data(), vocab, top, weights_.data());
  } else {
    // The lanes of section 1 over the kept ids; the others would add +0.
    std::vector<uint32_t> ids(kept);
    for (size_t i = 0; i < kept; i++) ids[i] = order_[i].id;
    std::sort(ids.begin(), ids.end());
    float lane[16] = {};
    for (const uint32_t id : ids) {
      kernels_.expSum(&z_[id], 1, top, &weights_[id]);
      lane[id % 16] = lane[id % 16] + weights_[id];
    }
    for (int width = 8; width > 0; width /= 2) {
      for (int i = 0; i < width; i++) lane[i] = lane[i] + lane[i + width];
    }
    total = lane[0];
  }

  // top-p keeps the shortest prefix that reaches its share; min-p then cuts its tail.
  const float enough = sampling_.topP * total;
  size_t count = 0;
  float reached = 0, sum = 0;
  while (count < kept) {
    if (count == sorted) sortTo(sorted * 8);
    const float weight = weights_[order_[count].id];
    if (count > 0 && (reached >= enough || weight < sampling_.minP)) break;
    reached = reached + weight;
    sum = reached;
    count++;
  }

  const uint64_t state = sampling_.seed * 0x9e3779b97f4a7c15 + position;
  const float u = (float)(splitmix64(state) >> 40) * 5.9604644775390625e-8f;  // 2^-24
  const float limit = u * sum;
  float running = 0;
  for (size_t i = 0; i < count; i++) {
    running = running + weights_[order_[i].id];
    if (running > limit) return order_[i].id;
  }
  return order_[count - 1].id;
}

}  // namespace swarm
