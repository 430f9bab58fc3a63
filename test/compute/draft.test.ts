import test from 'brittle'

import { seededRandom } from '../../src/base/random.ts'
import { GREEDY } from '../helpers/run-stages.ts'
import { readStageModel, wholeStage } from '../helpers/stage-model.ts'
import { shippedModelPath } from '../../src/cli/shipped-model.ts'

import type { NativeStage } from '../../src/compute/native-stage.ts'
import type { SampledToken, Sampling } from '../../src/wire/session.ts'

const PROMPT = Array.from({ length: 24 }, (_, i) => 40 + ((i * 7) % 60))
const COUNT = 40

const SAMPLINGS: Record<string, Sampling> = {
  greedy: GREEDY,
  seeded: { ...GREEDY, temperature: 1, topK: 40, topP: 0.95, seed: 7 },
  penalties: {
    ...GREEDY,
    temperature: 0.9,
    seed: 11,
    presencePenalty: 0.7,
    frequencyPenalty: 0.4,
    bias: [{ id: 70, value: 2 }]
  }
}

for (const [name, sampling] of Object.entries(SAMPLINGS)) {
  test(`draft - right and wrong guesses give the tokens and hashes of plain steps, ${name}`, async (t) => {
    const stage = await wholeStage(t, await readStageModel(shippedModelPath()), { threads: 2 })
    const plain = await plainSteps(stage, sampling)
    const random = seededRandom(5)
    for (let round = 0; round < 3; round++) {
      const { tokens, steps } = await draftedSteps(stage, sampling, (from, most) => {
        // Some right ids, then a wrong one, then right ones again, which must not count.
        const right = random.uint32() % (most + 1)
        return plain.slice(from, from + most).map(({ id }, i) => (i === right ? id ^ 1 : id))
      })
      t.alike(tokens, plain)
      t.ok(steps < COUNT / 2, `${steps} steps for ${COUNT} tokens`)
    }
  })
}

test('draft - a step without a sampler or with wrong sizes is refused or ignores it', async (t) => {
  const stage = await wholeStage(t, await readStageModel(shippedModelPath()))
  const range = { start: 0, end: stage.nLayers }
  const cache = stage.openCache(range, 8, 'f16')
  const ids = Int32Array.of(5, 6, 7)
  const request = { cache, range, position: 0, nTokens: 3, ids }
  const without = await stage.step({ ...request, draft: ids.slice(1) })
  t.alike(without.tokens, [])
  cache.truncate(0)
  const sampler = stage.openSampler(GREEDY)
  await t.exception(stage.step({ ...request, sampler, draft: ids }), /must have 8 bytes, not 12/)
  cache.close()
})

test('draft - logits of the last position are those of a plain step', async (t) => {
  const stage = await wholeStage(t, await readStageModel(shippedModelPath()))
  const range = { start: 0, end: stage.nLayers }
  const ids = Int32Array.of(5, 6, 7)
  const rows: Float32Array[] = []
  for (const draft of [undefined, ids.slice(1)]) {
    const cache = stage.openCache(range, 8, 'f16')
    const logits = new Float32Array(stage.vocabSize)
    const sampler = stage.openSampler(GREEDY)
    const more = draft === undefined ? {} : { draft }
    await stage.step({ cache, range, position: 0, nTokens: 3, ids, sampler, logits, ...more })
    rows.push(logits)
    cache.close()
  }
  t.alike(rows[1], rows[0])
})

async function plainSteps(stage: NativeStage, sampling: Sampling): Promise<SampledToken[]> {
  return (await draftedSteps(stage, sampling, () => [])).tokens
}

/** @param guess (index of the first guessed token, how many at most) => ids behind it. */
async function draftedSteps(
  stage: NativeStage,
  sampling: Sampling,
  guess: (from: number, most: number) => number[]
): Promise<{ tokens: SampledToken[]; steps: number }> {
  const range = { start: 0, end: stage.nLayers }
  const cache = stage.openCache(range, PROMPT.length + COUNT, 'f16')
  const sampler = stage.openSampler(sampling)
  const first = { cache, range, position: 0, nTokens: PROMPT.length, sampler }
  const { tokens } = await stage.step({ ...first, ids: Int32Array.from(PROMPT) })
  let steps = 0
  while (tokens.length < COUNT) {
    const position = PROMPT.length + tokens.length - 1
    if (position < cache.length) cache.truncate(position)
    const draft = Int32Array.from(guess(tokens.length, Math.min(7, COUNT - tokens.length - 1)))
    const ids = Int32Array.from([(tokens.at(-1) as SampledToken).id, ...draft])
    const request = { cache, range, position, nTokens: ids.length, ids, sampler }
    const result = await stage.step(draft.length > 0 ? { ...request, draft } : request)
    tokens.push(...result.tokens)
    steps++
  }
  cache.close()
  return { tokens, steps }
}
