// A trained model through the command line as a user types it, against oracles that know nothing of
// this engine.

import { readFileSync } from 'node:fs'

import { dataPath, dataTest } from '../helpers/data.ts'
import { Lab, REAL } from '../helpers/swarm-lab.ts'

const MODEL = dataPath('stories260K', 'stories260K-F32.gguf')

/** Below this distance between the two best logits, rounding may choose the other one. */
const MARGIN_MIN = 1e-3

interface Oracle {
  prompts: {
    prompt: string
    prompt_ids: number[]
    greedy: number[]
    steps: { margin: number }[]
  }[]
}

function readData<T>(...parts: string[]): T {
  return JSON.parse(readFileSync(dataPath('stories260K', ...parts), 'utf8')) as T
}

dataTest('oracle - swarm run gives the greedy ids while the margin decides', REAL, async (t) => {
  const lab = Lab.open(t)
  const { prompts } = readData<Oracle>('oracle', 'greedy.json')
  t.ok(prompts.length >= 7, `${prompts.length} prompts`)
  for (const { prompt, prompt_ids: promptIds, greedy, steps } of prompts) {
    const unsure = steps.findIndex(({ margin }) => margin <= MARGIN_MIN)
    const count = unsure < 0 ? greedy.length : unsure
    const flags = ['-n', String(count), '--temp', '0', '--kv', 'f32']
    const { ids, ...result } = await lab.json(['run', MODEL, `--prompt=${prompt}`, ...flags])
    t.alike(result['promptIds'], promptIds, prompt)
    t.alike(ids, greedy.slice(0, count))
  }
})

dataTest('oracle - swarm run writes the story of llama2.c byte for byte', REAL, async (t) => {
  const lab = Lab.open(t)
  interface Story {
    steps: number
    expected_text: string
  }
  const { steps, expected_text: expected } = readData<Story>('karpathy_expected.json')
  // Its prompt is the beginning-of-sequence id alone.
  const flags = ['-p', '', '-n', String(steps), '--temp', '0', '--kv', 'f32']
  const { status, stdout } = await lab.run(['run', MODEL, ...flags])
  t.is(status, 0)
  // A line break ends the answer, so that a shell's prompt starts a line.
  t.is(stdout, `${expected}\n`)
  t.is((await lab.json(['run', MODEL, ...flags]))['text'], expected)
})
