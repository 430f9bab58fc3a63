// Runs a token sequence through one or several native stages in this process, without the pipeline:
// the shortest way to compare splits, chunkings and kernel tables.

import type { NativeStage } from '../../src/compute/native-stage.ts'
import type { LayerRange } from '../../src/model/layer-range.ts'
import type { KvType, Sampling } from '../../src/wire/session.ts'

export const GREEDY: Sampling = {
  temperature: 0,
  topK: 0,
  topP: 1,
  minP: 0,
  presencePenalty: 0,
  frequencyPenalty: 0,
  seed: 0,
  bias: []
}

export interface Part {
  stage: NativeStage
  range: LayerRange
}

export interface RunOptions {
  promptIds: readonly number[]
  nTokens: number
  chunkTokens?: number
  kvType?: KvType
  sampling?: Sampling
}

export interface RunResult {
  ids: number[]
  /** Chained hash over every row of logits sampled from. */
  logitsHash: string
}

/** @param parts consecutive ranges that cover the model. */
export async function runStages(parts: Part[], options: RunOptions): Promise<RunResult> {
  const { promptIds, nTokens, chunkTokens = 512, kvType = 'f16', sampling = GREEDY } = options
  const capacity = promptIds.length + nTokens
  const caches = parts.map(({ stage, range }) => stage.openCache(range, capacity, kvType))
  const sampler = (parts.at(-1) as Part).stage.openSampler(sampling)
  const ids: number[] = []
  let logitsHash = ''
  let position = 0
  const pass = async (chunk: Int32Array, sample: boolean) => {
    let input: Uint8Array | undefined
    for (const [i, { stage, range }] of parts.entries()) {
      const last = i === parts.length - 1
      const output = last ? undefined : new Uint8Array(chunk.length * stage.dim * 4)
      const { tokens } = await stage.step({
        cache: caches[i] as ReturnType<NativeStage['openCache']>,
        range,
        position,
        nTokens: chunk.length,
        ...(i === 0 ? { ids: chunk } : { input: input as Uint8Array }),
        ...(output && { output }),
        ...(last && sample && { sampler })
      })
      input = output
      for (const token of tokens) {
        ids.push(token.id)
        logitsHash = token.logitsHash
      }
    }
    position += chunk.length
  }
  for (let at = 0; at < promptIds.length; at += chunkTokens) {
    const chunk = Int32Array.from(promptIds.slice(at, at + chunkTokens))
    await pass(chunk, at + chunkTokens >= promptIds.length)
  }
  while (ids.length < nTokens) await pass(Int32Array.of(ids.at(-1) as number), true)
  for (const cache of caches) cache.close()
  return { ids, logitsHash }
}
