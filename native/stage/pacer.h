// How many threads take part in a step. On a quiet machine all of them; beside a busy neighbour a thread
// that has to share its core keeps the others waiting at every barrier, and fewer threads are faster.
// Measures and tries, so it needs to know nothing of the machine: steps in which threads lost processor
// time to others make it try fewer, success keeps them, and now and then it tries more again. Pure: time
// comes in as an argument. Changes speed only; the bits of a step do not depend on it.

#pragma once

namespace swarm {

class Pacer {
 public:
  explicit Pacer(int threads) : size_(threads), base_(threads) {}

  // For the next step: 1 .. the threads that there are.
  int threads() const { return trial_ ? trial_ : base_; }

  // What the last step did: `work` in any unit, the time it took, and how many cores' worth of time its
  // threads wanted to run and could not.
  void report(double work, double seconds, double lostCores);

 private:
  void startTrial();
  void endTrial();

  const int size_;
  int base_;       // threads in use
  int trial_ = 0;  // threads being tried instead, or 0
  // Of the steps with base_, the latest counting most.
  double work_ = 0, seconds_ = 0, lostSeconds_ = 0;
  int steps_ = 0;
  double trialWork_ = 0, trialSeconds_ = 0;
  double sinceTrial_ = 0;    // seconds
  double lastTrial_ = 0;     // seconds that the last trial took
  double patience_ = 0;      // how many times that must pass before the next
  bool nextIsUp_ = false;
};

}  // namespace swarm
