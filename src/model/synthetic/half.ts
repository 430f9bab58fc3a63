// Small number formats by integer operations only, so that the generator gives the same bytes on every
// machine. Owns the rounding of binary64 values to binary16 and to bfloat16, nearest, ties to even.

const word = new Uint32Array(1)
const single = new Float32Array(word.buffer)

/** @returns the 16 bits of the binary16 value nearest to `value`; overflow becomes infinity. */
export function toHalf(value: number): number {
  single[0] = value
  const bits = word[0] as number
  const sign = (bits >>> 16) & 0x8000
  const exponent = ((bits >>> 23) & 0xff) - 127 + 15
  const mantissa = bits & 0x7fffff
  if (exponent >= 31) return sign | 0x7c00
  if (exponent > 0) return sign | roundOff((exponent << 23) | mantissa, 13)
  if (exponent < -10) return sign
  return sign | roundOff(mantissa | 0x800000, 14 - exponent)
}

/** @returns the upper 16 bits of the binary32 value, rounded. */
export function toBrain(value: number): number {
  single[0] = value
  return roundOff(word[0] as number, 16)
}

/** A carry out of the mantissa raises the exponent, as it should. */
function roundOff(bits: number, count: number): number {
  const half = 2 ** (count - 1)
  const rest = bits % (half * 2)
  const kept = (bits - rest) / (half * 2)
  return kept + (rest > half || (rest === half && kept % 2 === 1) ? 1 : 0)
}
