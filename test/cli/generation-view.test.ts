// What a person sees of an answer that loses a stage.

import { PassThrough } from 'node:stream'
import test from 'brittle'

import { systemClock } from '../../src/base/clock.ts'
import { showGeneration, summaryOf } from '../../src/cli/generation-view.ts'
import { Terminal } from '../../src/cli/terminal.ts'

import type { GenerateEvent, GenerateResult } from '../../src/api/service.ts'

const RESULT: GenerateResult = {
  model: 'ee'.repeat(32),
  promptIds: [1],
  ids: [2, 3],
  text: 'Once upon',
  seed: 1,
  finishReason: 'length',
  logitsHash: '00'.repeat(8),
  arithmeticVersion: 1,
  stages: [],
  timing: { prefillMs: 1, decodeMs: 1, tokensPerSecond: 1, perHop: [], losses: [] }
}

const said = (text: string): GenerateEvent => ({ type: 'text', text, ids: [2] })
const lost = (reason: string): GenerateEvent => ({ type: 'rerouting', reason })
const rerouted: GenerateEvent = {
  type: 'rerouted',
  stages: [],
  refillTokens: 4,
  text: 'atlas is out; layers 1-2 go on over boron'
}

/** Everything that reaches a terminal, in order. */
async function shown(events: GenerateEvent[], isTTY = true): Promise<string> {
  let all = ''
  const stream = () => Object.assign(new PassThrough(), { isTTY, columns: 80 })
  const [stdout, stderr] = [stream(), stream()]
  for (const one of [stdout, stderr]) one.write = (text: unknown) => ((all += String(text)), true)
  const env = { TERM: 'xterm', NO_COLOR: '1' }
  const terminal = new Terminal({ stdout, stderr, env, clock: systemClock, json: false })
  const given = async function* () {
    yield* [...events, { type: 'done', result: RESULT } as const]
  }
  await showGeneration(terminal, given(), { stream: false, summary: false })
  return all
}

test('generation view - a loss is one line, and the sentence is whole behind it', async (t) => {
  const all = await shown([said('Once'), lost('atlas is gone'), rerouted, said(' upon')])
  t.is(all, `Once\r\u001b[K${rerouted.text}\nOnce upon\n`)
})

test('generation view - an answer that waits for a peer says for whom', async (t) => {
  const gap = 'layers 1-2 are held by no peer within reach now'
  const events = [said('Once'), lost('atlas is gone'), lost(gap), rerouted, said(' upon')]
  const lines = `\r\u001b[Kwaiting: ${gap}\nOnce\r\u001b[K${rerouted.text}\nOnce`
  t.is(await shown(events), `Once${lines} upon\n`)
})

test('generation view - before the first word a loss is progress', async (t) => {
  const all = await shown([lost('atlas is gone'), rerouted, said('Once')])
  t.is(all, `\r\u001b[Kwaiting: atlas is gone ...\r\u001b[K${rerouted.text}\nOnce\n`)
})

test('generation view - what is piped stays whole', async (t) => {
  const all = await shown([said('Once'), lost('atlas is gone'), rerouted, said(' upon')], false)
  t.is(all, `Once${rerouted.text}\n upon\n`, 'the line went to standard error')
})

test('generation view - who waits for room sees how many come first', async (t) => {
  const reason = 'a context of 100 tokens needs 2 GiB, 1 GiB are free'
  const wait = (before: number): GenerateEvent => ({ type: 'queued', reason, before })
  const all = await shown([wait(2), wait(0), said('Once upon')])
  t.ok(all.includes('\r\u001b[Kqueued: 2 before you'), all)
  t.ok(all.includes('queued: you are next (a context of 100 tokens'), all)
})

test('generation view - who computed wrong bits is named on a line of its own', async (t) => {
  const text = 'atlas computed wrong bits at position 9: it is left out, 3 tokens withdrawn'
  const audit: GenerateEvent = { type: 'audit', text, guilty: [], isCertain: true }
  const again = 'position 9 and what follows is computed again'
  const all = await shown([said('Once'), audit, lost(again), rerouted, said(' upon')])
  t.is(all, `Once\r\u001b[K${text}\nOnce\r\u001b[K${rerouted.text}\nOnce upon\n`)
})

test('generation view - the numbers say how much was verified', (t) => {
  const audit = { checkedTokens: 2, excluded: [] }
  t.ok(summaryOf({ ...RESULT, audit }).endsWith(', 2 tokens verified'))
  t.absent(summaryOf(RESULT).includes('verified'))
})
