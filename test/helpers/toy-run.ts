// The reference that pipelines are compared with: one toy stage, stepped by hand, without sessions,
// hops or chunks.

import { systemClock } from '../../src/base/clock.ts'
import { ToyStage, type ToyModel } from './toy-stage.ts'

import type { Sampling } from '../../src/wire/session.ts'

export const TOY: ToyModel = { nLayers: 12, dim: 8, vocabSize: 500 }

export function sampling(changes: Partial<Sampling> = {}): Sampling {
  return {
    temperature: 1,
    topK: 0,
    topP: 1,
    minP: 0,
    presencePenalty: 0,
    frequencyPenalty: 0,
    seed: 1,
    bias: [],
    ...changes
  }
}

export interface Continuation {
  ids: number[]
  logitsHash: string
}

/** Tokens after a prompt, up to `count` or the first stop id (included). */
export async function toyContinue(
  model: ToyModel,
  prompt: readonly number[],
  choose: Sampling,
  count: number,
  stopIds: readonly number[] = []
): Promise<Continuation> {
  const stage = new ToyStage({ model, clock: systemClock })
  const range = { start: 0, end: model.nLayers }
  await stage.load([range])
  const cache = stage.openCache(range, prompt.length + count, 'f16')
  const sampler = stage.openSampler(choose)
  const ids: number[] = []
  let logitsHash = ''
  let input = Int32Array.from(prompt)
  while (ids.length < count) {
    const position = cache.length
    const nTokens = input.length
    const { tokens } = await stage.step({ cache, range, position, nTokens, ids: input, sampler })
    const [token] = tokens
    if (token === undefined) break
    ids.push(token.id)
    logitsHash = token.logitsHash
    if (stopIds.includes(token.id)) break
    input = Int32Array.of(token.id)
  }
  return { ids, logitsHash }
}
