// log2 without Math.log: every machine must rank alike, and only + - * / are the same everywhere.

const FRACTION_DIGITS = 20

/**
 * @param n whole, from 1.
 * @returns log2(n) to 20 binary digits, rounded down; the same bits on every machine.
 */
export function log2Of(n: number): number {
  let result = 0
  let rest = n
  // Halving and squaring numbers below 2 are IEEE operations; the digits come out one by one.
  for (; rest >= 2; rest /= 2) result += 1
  let bit = 0.5
  for (let digit = 0; digit < FRACTION_DIGITS; digit++) {
    rest *= rest
    if (rest >= 2) {
      rest /= 2
      result += bit
    }
    bit /= 2
  }
  return result
}
