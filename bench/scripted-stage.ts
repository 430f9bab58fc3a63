// A native stage whose answers are given: it computes every step in full, logits of every row that would be
// sampled from included, and then says the tokens of a text. So the speed of drafts is measured on any text
// with the cost of any model, also one that was never trained. That drafts change no token is tested
// elsewhere, with models that answer for themselves (test/compute/draft.test.ts, test/pipeline).

import type { NativeStage } from '../src/compute/native-stage.ts'
import type { Stage, StepOutcome, StepPart } from '../src/compute/stage.ts'

/** @param script the token at each position; may change between sessions. */
export function scriptedStage(native: NativeStage, script: { ids: readonly number[] }): Stage {
  const stepTogether: Stage['stepTogether'] = async (parts, options): Promise<StepOutcome[]> => {
    const outcomes = await native.stepTogether(
      parts.map((part) => ({ ...part, request: withLogits(part.request, native.vocabSize) })),
      options
    )
    return outcomes.map((outcome, i) => {
      const { request } = parts[i] as StepPart
      if ('error' in outcome || request.sampler === undefined) return outcome
      const tokens = tokensOf(request, script.ids)
      return { result: { ...outcome.result, tokens } }
    })
  }
  return new Proxy<Stage>(native, {
    get(_, name) {
      if (name === 'stepTogether') return stepTogether
      const value: unknown = Reflect.get(native, name, native)
      return typeof value === 'function' ? value.bind(native) : value
    }
  })
}

function withLogits(request: StepPart['request'], vocabSize: number): StepPart['request'] {
  const { sampler, draft, ...rest } = request
  if (sampler === undefined) return rest
  const rows = draft === undefined ? 1 : request.nTokens
  return { ...rest, logits: new Float32Array(rows * vocabSize) }
}

function tokensOf({ position, nTokens, draft }: StepPart['request'], ids: readonly number[]) {
  const logitsHash = '0'.repeat(16)
  const tokens = []
  for (let i = draft === undefined ? nTokens - 1 : 0; i < nTokens; i++) {
    const id = ids[position + i + 1] ?? 0
    tokens.push({ id, logitsHash })
    if (draft !== undefined && id !== draft[i]) break
  }
  return tokens
}
