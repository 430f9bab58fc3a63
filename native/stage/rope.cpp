// Frequencies by the published formulas, in binary64 with our own functions (exact_math.h): the same
// on every machine. llama3: Llama 3.1's scaling; YaRN: arXiv 2309.00071, in the form in which llama.cpp
// applies it (interpolation below, extrapolation above a linear ramp over the pair index).

#include "rope.h"

#include "exact_math.h"

namespace swarm {

namespace {

constexpr double kTwoPi = 6.283185307179586476925;

// Real models have frequencies up to 1. Far above, an angle would leave the range in which exactSinCos
// finds its quarter turn, at positions up to 2^32.
constexpr double kFrequencyMax = 1024;

// Whole number not above / not below x, without a library call. What does not fit an int comes from a
// damaged file and stays as it is; isSane() sees it in the frequencies.
double floorOf(double x) {
  if (!(x > -1e9 && x < 1e9)) return x;
  const double whole = (double)(int)x;
  return whole > x ? whole - 1 : whole;
}
double ceilOf(double x) { return -floorOf(-x); }

double llama3(const RopeConfig& rope, double frequency) {
  const double wavelength = kTwoPi / frequency;
  const double low = rope.originalContext / rope.lowFreqFactor;
  const double high = rope.originalContext / rope.highFreqFactor;
  if (wavelength < high) return frequency;
  if (wavelength > low) return frequency / rope.factor;
  const double smooth = (rope.originalContext / wavelength - rope.lowFreqFactor) /
                        (rope.highFreqFactor - rope.lowFreqFactor);
  return (1 - smooth) * (frequency / rope.factor) + smooth * frequency;
}

// The pair index at which a rotation turns `turns` times over the original context.
double correctionIndex(const RopeConfig& rope, double turns) {
  return (double)rope.dims * exactLog(rope.originalContext / (turns * kTwoPi)) /
         (2 * exactLog(rope.base));
}

double yarn(const RopeConfig& rope, double frequency, size_t pair) {
  double low = floorOf(correctionIndex(rope, rope.betaFast));
  double high = ceilOf(correctionIndex(rope, rope.betaSlow));
  if (low < 0) low = 0;
  if (high > (double)rope.dims - 1) high = (double)rope.dims - 1;
  const double width = high - low < 0.001 ? 0.001 : high - low;
  double ramp = ((double)pair - low) / width;
  if (ramp < 0) ramp = 0;
  if (ramp > 1) ramp = 1;
  const double mix = (1 - ramp) * rope.extFactor;
  return frequency / rope.factor * (1 - mix) + frequency * mix;
}

}  // namespace

Rope::Rope(const RopeConfig& rope, const std::vector<float>& freqFactors) : halves_(rope.halves) {
  const double logBase = exactLog(rope.base);
  for (size_t i = 0; i < rope.dims / 2; i++) {
    double frequency = exactExp(-((double)(2 * i) / (double)rope.dims) * logBase);
    if (!freqFactors.empty()) frequency = frequency / (double)freqFactors[i];
    switch (rope.scaling) {
      case RopeScaling::None: break;
      case RopeScaling::Linear: frequency = frequency / rope.factor; break;
      case RopeScaling::Llama3: frequency = llama3(rope, frequency); break;
      case RopeScaling::Yarn: frequency = yarn(rope, frequency, i); break;
    }
    frequency_.push_back(frequency);
  }
  magnitude_ = rope.attnFactor;
  if (rope.scaling == RopeScaling::Yarn && rope.extFactor != 0) {
    magnitude_ = magnitude_ * (1 + 0.1 * exactLog(rope.factor));
  }
}

bool Rope::isSane() const {
  for (const double frequency : frequency_) {
    if (!(frequency > 0 && frequency <= kFrequencyMax)) return false;
  }
  return true;
}

void Rope::angles(size_t position, float* table) const {
  for (size_t i = 0; i < frequency_.size(); i++) {
    const SinCos at = exactSinCos((double)position * frequency_[i]);
    table[2 * i] = (float)(at.cos * magnitude_);
    table[2 * i + 1] = (float)(at.sin * magnitude_);
  }
}

void Rope::rotate(const float* table, float* head) const {
  const size_t pairs = frequency_.size();
  const size_t step = halves_ ? 1 : 2, apart = halves_ ? pairs : 1;
  for (size_t i = 0; i < pairs; i++) {
    const float c = table[2 * i], s = table[2 * i + 1];
    float* a = head + i * step;
    float* b = a + apart;
    const float x = *a, y = *b;
    *a = x * c - y * s;
    *b = x * s + y * c;
  }
}

}  // namespace swarm
