// Range reduction in pieces whose products are exact, then Taylor polynomials long enough that the
// remainder is far below binary64's last place.

#include "exact_math.h"

#include <stdint.h>
#include <string.h>

namespace swarm {

namespace {

uint64_t bitsOf(double x) {
  uint64_t bits;
  memcpy(&bits, &x, 8);
  return bits;
}

double fromBits(uint64_t bits) {
  double x;
  memcpy(&x, &bits, 8);
  return x;
}

// Nearest whole number for |x| < 2^51: the addition rounds, ties to even.
double nearest(double x) { return (x + 6755399441055744.0) - 6755399441055744.0; }

// Horner over coefficients from the highest power down.
template <int count>
double polynomial(const double (&c)[count], double x) {
  double p = c[0];
  for (int i = 1; i < count; i++) p = p * x + c[i];
  return p;
}

// ln 2 and pi / 2 in parts: the leading parts end in zeros, so that their products with the whole
// numbers used here (below 2^20) are exact.
constexpr double kLn2High = 6.93147180369123816490e-01;
constexpr double kLn2Low = 1.90821492927058770002e-10;
constexpr double kHalfPi1 = 1.57079632673412561417e+00;
constexpr double kHalfPi2 = 6.07710050630396597660e-11;
constexpr double kHalfPi3 = 2.02226624879595063154e-21;

}  // namespace

double exactExp(double x) {
  const double n = nearest(x * 1.4426950408889634);
  const double r = (x - n * kLn2High) - n * kLn2Low;
  static const double c[] = {1.0 / 6227020800, 1.0 / 479001600, 1.0 / 39916800, 1.0 / 3628800,
                             1.0 / 362880,     1.0 / 40320,     1.0 / 5040,     1.0 / 720,
                             1.0 / 120,        1.0 / 24,        1.0 / 6,        0.5,
                             1.0,              1.0};
  return polynomial(c, r) * fromBits((uint64_t)(1023 + (int64_t)n) << 52);
}

double exactLog(double x) {
  const uint64_t bits = bitsOf(x);
  int64_t exponent = (int64_t)(bits >> 52) - 1023;
  double m = fromBits((bits & 0xfffffffffffff) | (uint64_t)1023 << 52);
  if (m > 1.4142135623730951) {
    m = m * 0.5;
    exponent++;
  }
  // log m = 2 (s + s^3/3 + s^5/5 + ...) with s = (m - 1) / (m + 1), |s| < 0.172
  const double s = (m - 1) / (m + 1), s2 = s * s;
  static const double c[] = {1.0 / 23, 1.0 / 21, 1.0 / 19, 1.0 / 17, 1.0 / 15, 1.0 / 13,
                             1.0 / 11, 1.0 / 9,  1.0 / 7,  1.0 / 5,  1.0 / 3,  1.0};
  const double logM = 2 * s * polynomial(c, s2);
  const double n = (double)exponent;
  return n * kLn2High + (logM + n * kLn2Low);
}

SinCos exactSinCos(double x) {
  const double n = nearest(x * 0.63661977236758134308);
  const double r = ((x - n * kHalfPi1) - n * kHalfPi2) - n * kHalfPi3;
  const double r2 = r * r;
  static const double s[] = {1.0 / 355687428096000, -1.0 / 1307674368000, 1.0 / 6227020800,
                             -1.0 / 39916800,       1.0 / 362880,         -1.0 / 5040,
                             1.0 / 120,             -1.0 / 6};
  static const double c[] = {-1.0 / 6402373705728000, 1.0 / 20922789888000, -1.0 / 87178291200,
                             1.0 / 479001600,         -1.0 / 3628800,       1.0 / 40320,
                             -1.0 / 720,              1.0 / 24,             -0.5};
  const double sine = r + r * r2 * polynomial(s, r2);
  const double cosine = 1 + r2 * polynomial(c, r2);
  switch ((int64_t)n & 3) {
    case 0: return {sine, cosine};
    case 1: return {cosine, -sine};
    case 2: return {-sine, -cosine};
    default: return {-cosine, sine};
  }
}

}  // namespace swarm
