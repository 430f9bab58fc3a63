// Our engine as the bench drives it: one stage with all layers of a model, timed inside the native step.

import { NativeStage } from '../src/compute/native-stage.ts'
import { tensorType } from '../src/model/tensor-types.ts'
import { isTied } from '../src/model/tensors.ts'
import { readStageModel } from '../test/helpers/stage-model.ts'

import type { StageModel } from '../src/compute/native-config.ts'
import type { LayerRange } from '../src/model/layer-range.ts'

/** Positions of the prompt before a decode. */
const PROMPT_TOKENS = 16

export class OurEngine {
  readonly model: StageModel
  readonly stage: NativeStage
  readonly #range: LayerRange

  private constructor(model: StageModel, stage: NativeStage, range: LayerRange) {
    this.model = model
    this.stage = stage
    this.#range = range
  }

  /** @param layers of the model that run; all when absent. */
  static async open(path: string, threads: number, table?: string, layers?: number) {
    const model = await readStageModel(path)
    const stage = new NativeStage(model, threads, table)
    const range = { start: 0, end: layers ?? stage.nLayers }
    await stage.load([range])
    return new OurEngine(model, stage, range)
  }

  /** Bytes of weights that one token reads: all but the rows of the token table that it does not need. */
  get bytesPerToken(): number {
    const { tensors } = this.model
    const tied = isTied(tensors)
    return tensors
      .filter(({ role }) => role !== 'tokenEmbedding' || tied)
      .reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)
  }

  /** Weights in matrices that a position is multiplied with, without the head. */
  get weightsPerPosition(): number {
    return this.model.tensors
      .filter(({ role, rows }) => rows > 1 && role !== 'tokenEmbedding' && role !== 'output')
      .reduce((sum, { rows, cols }) => sum + rows * cols, 0)
  }

  /** Whether its matrices hold floats, so that its products are of floats. */
  get isFloat(): boolean {
    const gate = this.model.tensors.find(({ role }) => role === 'ffnGate')
    return tensorType(gate?.type ?? 0)?.blockLength === 1
  }

  /** Milliseconds to take in `count` positions from an empty cache and choose a token. */
  async prefillMs(count: number): Promise<number> {
    return await this.#withCache(count, async (step) => await step(0, count))
  }

  /** Milliseconds per token of `count` tokens after a short prompt. */
  async decodeMs(count: number): Promise<number> {
    return await this.#withCache(PROMPT_TOKENS + count, async (step) => {
      await step(0, PROMPT_TOKENS)
      let ms = 0
      for (let i = 0; i < count; i++) ms += await step(PROMPT_TOKENS + i, 1)
      return ms / count
    })
  }

  /** Milliseconds per token of `count` tokens at each of the positions `at`, ascending. */
  async decodeMsAt(at: readonly number[], count: number): Promise<number[]> {
    const chunk = 256
    return await this.#withCache((at.at(-1) as number) + count, async (step) => {
      const result: number[] = []
      let position = 0
      for (const wanted of at) {
        for (; position < wanted; position += Math.min(chunk, wanted - position)) {
          await step(position, Math.min(chunk, wanted - position))
        }
        let ms = 0
        for (let i = 0; i < count; i++) ms += await step(position++, 1)
        result.push(ms / count)
      }
      return result
    })
  }

  async close(): Promise<void> {
    await this.stage.close()
  }

  async #withCache<T>(
    capacity: number,
    use: (step: (position: number, nTokens: number) => Promise<number>) => Promise<T>
  ): Promise<T> {
    const range = this.#range
    const cache = this.stage.openCache(range, capacity, 'f16')
    const whole = range.end === this.stage.nLayers
    const sampler = whole ? this.stage.openSampler(GREEDY) : null
    try {
      return await use(async (position, nTokens) => {
        const ids = Int32Array.from({ length: nTokens }, (_, i) => tokenAt(position + i))
        const output = whole ? null : new Uint8Array(nTokens * this.stage.dim * 4)
        const { computeUs } = await this.stage.step({
          cache,
          range,
          position,
          nTokens,
          ids,
          ...(sampler && { sampler }),
          ...(output && { output })
        })
        return computeUs / 1000
      })
    } finally {
      cache.close()
    }
  }
}

/** Ids of a made-up text, the same for every engine. */
export function tokenAt(position: number): number {
  return 300 + ((position * 7919) % 30_000)
}

const GREEDY = {
  temperature: 0,
  topK: 0,
  topP: 1,
  minP: 0,
  presencePenalty: 0,
  frequencyPenalty: 0,
  seed: 0,
  bias: []
}
