// A trial takes at least kTrialSeconds and at least one step, and may take at most one part in
// kPatienceMax of the time once trials keep failing: what trying costs is bounded. Which processor the system
// gives a thread makes single trials lucky or unlucky, so the first verdicts are checked again soon.

#include "pacer.h"

#include <algorithm>

namespace swarm {

namespace {

// Seconds of steps that the running figures remember: a few time slices of the system's scheduler.
constexpr double kWindowSeconds = 0.1;
constexpr double kTrialSeconds = 0.01;
// Steps before the figures of a number of threads are believed.
constexpr int kStepsMin = 3;
// Cores' worth of lost time that make fewer threads worth trying. A neighbour on one of our cores takes
// half of it; timer ticks and short-lived daemons stay below a hundredth.
constexpr double kLostCores = 0.1;
// A change must gain this much, or noise would change the number all the time.
constexpr double kGain = 1.05;
// How many times a trial's length passes before the next one: after what may have been bad luck, after a
// trial that found fewer threads to be faster, and after many that found nothing.
constexpr double kPatienceMin = 4, kPatienceFallen = 16, kPatienceMax = 32;

}  // namespace

void Pacer::report(double work, double seconds, double lostCores) {
  if (trial_) {
    trialWork_ += work;
    trialSeconds_ += seconds;
    if (trialSeconds_ >= kTrialSeconds) endTrial();
    return;
  }
  const double keep = kWindowSeconds / (kWindowSeconds + seconds);
  work_ = work_ * keep + work;
  seconds_ = seconds_ * keep + seconds;
  lostSeconds_ = lostSeconds_ * keep + lostCores * seconds;
  sinceTrial_ += seconds;
  if (++steps_ >= kStepsMin && sinceTrial_ >= patience_ * lastTrial_) startTrial();
}

void Pacer::startTrial() {
  const double lost = lostSeconds_ / seconds_;
  const bool mayFall = base_ > 1 && lost > kLostCores;
  const bool mayRise = base_ < size_;
  if (!mayFall && !mayRise) return;
  if (mayRise && (!mayFall || nextIsUp_)) {
    // One more, or all: neighbours leave one by one, or the machine is ours again.
    trial_ = nextIsUp_ ? size_ : base_ + 1;
  } else {
    // A neighbour takes half a core from the thread it shares one with.
    trial_ = std::max(1, base_ - std::max(1, (int)(2 * lost + 0.5)));
  }
  nextIsUp_ = !nextIsUp_;
  trialWork_ = trialSeconds_ = 0;
}

void Pacer::endTrial() {
  if (trialWork_ * seconds_ > kGain * work_ * trialSeconds_) {
    // More threads that were faster for a moment beside a neighbour cost more than one trial.
    patience_ = trial_ < base_ ? kPatienceFallen : kPatienceMin;
    base_ = trial_;
    work_ = trialWork_;
    seconds_ = trialSeconds_;
    lostSeconds_ = 0;
    steps_ = 0;
  } else {
    patience_ = std::clamp(2 * patience_, kPatienceMin, kPatienceMax);
  }
  lastTrial_ = trialSeconds_;
  sinceTrial_ = 0;
  trial_ = 0;
}

}  // namespace swarm
