// Flow C: what a model file says of its own use: how its tokens are best drawn, and whether it is a
// sentinel. Owns those keys. A recommendation out of range is none: it is advice, and the model runs
// without it. Names of the sampling keys are llama.cpp's (general.sampling.* in gguf-py/gguf/constants.py).

import { given } from '../base/given.ts'

import type { Metadata } from './metadata.ts'

/** Fields of a request that asks for none itself; docs/arithmetic.md, section "Sampler". */
export interface RecommendedSampling {
  temperature?: number
  topK?: number
  topP?: number
  minP?: number
}

/** Key of a model that speaks the layout of training/FORMAT.md, and the version of it that is known. */
const SENTINEL_KEY = 'swarm.sentinel.format'
const SENTINEL_FORMAT = 1

const TEMPERATURE_MAX = 10
const TOP_K_MAX = 2 ** 20

export function recommendedSampling(metadata: Metadata): RecommendedSampling {
  const number = (name: string, max: number): number | undefined => {
    const value = metadata.get(`general.sampling.${name}`)?.value
    return typeof value === 'number' && value >= 0 && value <= max ? value : undefined
  }
  const topK = number('top_k', TOP_K_MAX)
  return given({
    temperature: number('temp', TEMPERATURE_MAX),
    topK: Number.isInteger(topK) ? topK : undefined,
    topP: number('top_p', 1),
    minP: number('min_p', 1)
  })
}

/** Whether the model explains failed commands in the layout that src/shell/sentinel-question.ts writes. */
export function isSentinel(metadata: Metadata): boolean {
  return metadata.get(SENTINEL_KEY)?.value === SENTINEL_FORMAT
}
