// binary64 functions for the RoPE tables (docs/arithmetic.md section 9). Built from +, -, *, / and
// integer operations only, so that every machine computes the same bits; no library function.

#pragma once

namespace swarm {

double exactExp(double x);  // |x| < 700
double exactLog(double x);  // finite x > 0
struct SinCos {
  double sin;
  double cos;
};
SinCos exactSinCos(double x);  // |x| < 2^20 * pi / 2

}  // namespace swarm
