// A model file as one engine of this process: logits after a prompt, and greedy answers.

import type { Test } from 'brittle'
import { readStageModel, wholeStage } from './stage-model.ts'

export interface OpenModel {
  /** @returns (vocab,) logits after the last of `ids`, with keys and values in F32. */
  logits(ids: readonly number[]): Promise<Float32Array>
}

/** Closed with the test. */
export async function openModel(t: Test, path: string): Promise<OpenModel> {
  const model = await readStageModel(path)
  const { vocabSize, nLayers } = model.hyper
  const range = { start: 0, end: nLayers }
  const stage = await wholeStage(t, model)
  return {
    async logits(ids) {
      const nTokens = ids.length
      const logits = new Float32Array(nTokens * vocabSize)
      const cache = stage.openCache(range, nTokens, 'f32')
      await stage.step({ cache, range, position: 0, nTokens, ids: Int32Array.from(ids), logits })
      cache.close()
      return logits.slice((nTokens - 1) * vocabSize)
    }
  }
}
