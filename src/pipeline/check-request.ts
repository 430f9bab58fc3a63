// Flow B, what a request may ask for: every value within the protocol's bounds before anything is
// opened, so that a mistake is the user's own error and not a stage's.

import { SwarmError } from '../base/errors.ts'
import {
  LOGIT_BIAS_MAX,
  SAMPLING_VALUE_MAX,
  STOP_TEXTS_MAX,
  STOP_TEXT_CHARS_MAX,
  VOCAB_MAX
} from '../base/limits.ts'

import type { GenerateRequest } from '../wire/generation.ts'
import type { Sampling } from '../wire/session.ts'

/**
 * @param contextTokensMax positions that one session may have.
 * @throws USAGE_MISSING, USAGE_BAD_VALUE naming the field.
 */
export function checkRequest(request: GenerateRequest, contextTokensMax: number): void {
  const { prompt, messages, maxTokens, contextTokens, stop } = request
  if ((prompt === undefined) === (messages === undefined)) {
    throw new SwarmError('USAGE_MISSING', 'give either a prompt or messages, not both')
  }
  if (request.verify !== undefined) checkReal('verify', request.verify, 0, 1)
  if (maxTokens !== undefined) checkWhole('maxTokens', maxTokens, 1, Number.MAX_SAFE_INTEGER)
  if (contextTokens !== undefined) {
    checkWhole('contextTokens', contextTokens, 1, contextTokensMax)
  }
  check(stop.length <= STOP_TEXTS_MAX, 'stop', `has more than ${STOP_TEXTS_MAX} texts`)
  const isShort = stop.every((text) => text.length <= STOP_TEXT_CHARS_MAX)
  check(isShort, 'stop', `has a text of more than ${STOP_TEXT_CHARS_MAX} characters`)
}

/** @throws USAGE_BAD_VALUE naming the field. */
export function checkSampling(sampling: Sampling): void {
  checkReal('temperature', sampling.temperature, 0, SAMPLING_VALUE_MAX)
  checkReal('topP', sampling.topP, 0, 1)
  checkReal('minP', sampling.minP, 0, 1)
  checkReal('presencePenalty', sampling.presencePenalty, -SAMPLING_VALUE_MAX, SAMPLING_VALUE_MAX)
  checkReal('frequencyPenalty', sampling.frequencyPenalty, -SAMPLING_VALUE_MAX, SAMPLING_VALUE_MAX)
  checkWhole('topK', sampling.topK, 0, VOCAB_MAX)
  checkWhole('seed', sampling.seed, 0, Number.MAX_SAFE_INTEGER)
  check(sampling.bias.length <= LOGIT_BIAS_MAX, 'bias', `has more than ${LOGIT_BIAS_MAX} entries`)
  for (const { id, value } of sampling.bias) {
    checkWhole('bias id', id, 0, VOCAB_MAX - 1)
    checkReal('bias', value, -SAMPLING_VALUE_MAX, SAMPLING_VALUE_MAX)
  }
}

function checkWhole(name: string, value: number, least: number, most: number): void {
  const isRight = Number.isInteger(value) && least <= value && value <= most
  check(isRight, name, `is ${value}; it is a whole number from ${least} to ${most}`)
}

function checkReal(name: string, value: number, least: number, most: number): void {
  const isRight = least <= value && value <= most
  check(isRight, name, `is ${value}; it is a number from ${least} to ${most}`)
}

function check(isRight: boolean, name: string, what: string): void {
  if (!isRight) throw new SwarmError('USAGE_BAD_VALUE', `${name} ${what}`)
}
