// Cases whose right answers are known by construction; a fused multiply-add that rounds twice, a
// square root that is not correctly rounded or a flushed subnormal changes at least one of them.

#include "self_test.h"

#include <math.h>
#include <string.h>

#include "../kernels/dispatch.h"
#include "../stage/control_word.h"

namespace swarm {

namespace {

// Keeps the compiler from computing the answer itself.
float opaque(float x) {
  volatile float copy = x;
  return copy;
}

bool sameBits(const float* a, const float* b, size_t n) { return memcmp(a, b, n * sizeof(float)) == 0; }

}  // namespace

std::string selfTest(const KernelTable& table) {
  setControlWord();
  const float ulp = 1.1920928955078125e-7f;  // 2^-23
  // (1 + u)^2 - (1 + 2u) is u^2 exactly; rounding the product first gives 0.
  if (fmaf(opaque(1 + ulp), 1 + ulp, -(1 + 2 * ulp)) != ulp * ulp) return "fmaf rounds twice";
  // 2^100 * 2^-100 (1 + u) - 1 is u.
  if (fmaf(opaque(1.2676506002282294e30f), 7.888609052210118e-31f * (1 + ulp), -1) != ulp) {
    return "fmaf loses low bits";
  }
  if (sqrtf(opaque(2)) != 1.41421354f || sqrtf(opaque(1 + 2 * ulp)) != 1 + ulp) {
    return "sqrtf is not correctly rounded";
  }
  if (opaque(1.17549435e-38f) * 0.5f == 0) return "subnormals are flushed to zero";

  // The chosen table against the specification on inputs that use every operation.
  const KernelTable& spec = *findTable("scalar");
  float x[32], weight[32], a[32], b[32];
  for (int i = 0; i < 32; i++) {
    x[i] = (float)(i * 37 % 64 - 31) / 7.0f;
    weight[i] = 1 + (float)i / 64;
  }
  spec.rmsNorm(x, weight, 32, 30, 1e-5f, a);
  table.rmsNorm(x, weight, 32, 30, 1e-5f, b);
  if (!sameBits(a, b, 32)) return "rmsNorm differs from the scalar kernel";
  memcpy(a, x, sizeof(a));
  memcpy(b, x, sizeof(b));
  spec.siluMultiply(a, weight, 32);
  table.siluMultiply(b, weight, 32);
  if (!sameBits(a, b, 32)) return "silu differs from the scalar kernel";
  const float sumA = spec.expSum(x, 29, 4.5f, a), sumB = table.expSum(x, 29, 4.5f, b);
  if (sumA != sumB || !sameBits(a, b, 29)) return "exp differs from the scalar kernel";
  Activation32 blockA, blockB;
  memset(&blockA, 0, sizeof(blockA));
  memset(&blockB, 0, sizeof(blockB));
  spec.quantize32(x, 32, &blockA);
  table.quantize32(x, 32, &blockB);
  if (memcmp(&blockA, &blockB, sizeof(blockA)) != 0) return "the quantiser differs from the scalar one";
  return "";
}

}  // namespace swarm
