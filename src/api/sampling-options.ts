// The one definition of every number that a user may give to a generation: its range (defaults are of
// wire/sampling-defaults.ts). The command line and the HTTP routes read the same table, so that a flag and
// a field of one meaning cannot differ. What the numbers do is docs/arithmetic.md, section "Sampler".

import { SwarmError } from '../base/errors.ts'
import { CONTEXT_TOKENS_MAX, VOCAB_MAX } from '../base/limits.ts'

export interface NumberRange {
  /** Both ends are allowed. */
  readonly min: number
  readonly max: number
  readonly whole: boolean
}

export const SAMPLING_RANGES = {
  /** Above 10 the choice is noise with every model; OpenAI stops at 2. */
  temperature: { min: 0, max: 10, whole: false },
  topK: { min: 0, max: VOCAB_MAX, whole: true },
  topP: { min: 0, max: 1, whole: false },
  minP: { min: 0, max: 1, whole: false },
  /** OpenAI's documented range, as for the bias. */
  penalty: { min: -2, max: 2, whole: false },
  bias: { min: -100, max: 100, whole: false },
  /** Share of an answer's steps that are computed twice. */
  verify: { min: 0, max: 1, whole: false },
  seed: { min: 0, max: Number.MAX_SAFE_INTEGER, whole: true },
  maxTokens: { min: 1, max: CONTEXT_TOKENS_MAX, whole: true },
  contextTokens: { min: 1, max: CONTEXT_TOKENS_MAX, whole: true }
} as const satisfies Record<string, NumberRange>

/** Tokens that the command line generates when `-n` is absent. Over HTTP: until the context is full. */
export const MAX_TOKENS_DEFAULT = 256

/** `a whole number from 0 to 40`, for messages and help. */
export function describeRange({ min, max, whole }: NumberRange): string {
  return `${whole ? 'a whole number' : 'a number'} from ${min} to ${max}`
}

/**
 * @param name the flag or field as the user wrote it.
 * @throws USAGE_BAD_VALUE when the value is outside; NaN always is.
 */
export function checkRange(name: string, value: number, range: NumberRange): number {
  const inside = value >= range.min && value <= range.max
  if (inside && (!range.whole || Number.isInteger(value))) return value
  throw new SwarmError('USAGE_BAD_VALUE', `${name} must be ${describeRange(range)}, not ${value}`, {
    param: name
  })
}
