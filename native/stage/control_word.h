// docs/arithmetic.md section 1: round to nearest even, no flushing of subnormals, no traps. Set at the
// start of every native job, because another library in the process may have changed the thread.

#pragma once

#include <stdint.h>

#if defined(__x86_64__)
#include <xmmintrin.h>
#endif

namespace swarm {

inline void setControlWord() {
#if defined(__x86_64__)
  _mm_setcsr(0x1f80);  // all exceptions masked, RC = nearest, FTZ = DAZ = 0
#elif defined(__aarch64__)
  const uint64_t nearest = 0;  // FPCR: RMode = nearest, FZ = 0, no traps
  __asm__ volatile("msr fpcr, %0" : : "r"(nearest));
#endif
}

// Gives the calling thread back the word it came with: for native work on a thread that is not ours.
class ControlWordKeeper {
 public:
#if defined(__x86_64__)
  ~ControlWordKeeper() { _mm_setcsr(word_); }

 private:
  const unsigned word_ = _mm_getcsr();
#elif defined(__aarch64__)
  ControlWordKeeper() { __asm__ volatile("mrs %0, fpcr" : "=r"(word_)); }
  ~ControlWordKeeper() { __asm__ volatile("msr fpcr, %0" : : "r"(word_)); }

 private:
  uint64_t word_;
#endif
};

}  // namespace swarm
