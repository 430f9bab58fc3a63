// How a token is drawn where neither the request nor the model file says it. What the numbers do is
// docs/arithmetic.md, section "Sampler"; their ranges are api/sampling-options.ts's.

import type { Sampling } from './session.ts'

/** What users of llama.cpp expect. */
export const SAMPLING_DEFAULTS: Readonly<Omit<Sampling, 'seed'>> = {
  temperature: 0.8,
  topK: 40,
  topP: 0.95,
  minP: 0.05,
  presencePenalty: 0,
  frequencyPenalty: 0,
  bias: []
}
