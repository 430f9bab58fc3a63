import test from 'brittle'

import { PREFILL_CHUNK_TOKENS } from '../../src/sharding/chunks.ts'
import { Scheduler, type WorkKind } from '../../src/pipeline/scheduler.ts'
import { SimClock } from '../helpers/sim-clock.ts'

/** Runs steps that take a millisecond each; items come back as often as they have work. */
function create(
  work: Record<string, [WorkKind, number, string?]>,
  chunkTokens = PREFILL_CHUNK_TOKENS
) {
  const clock = new SimClock()
  const steps: string[] = []
  let running = 0
  let mostRunning = 0
  const left = new Map(Object.entries(work).map(([name, [, count]]) => [name, count]))
  const scheduler = new Scheduler<string>({
    run: async (names) => {
      running++
      mostRunning = Math.max(mostRunning, running)
      steps.push(names.join(''))
      await new Promise<void>((resolve) => clock.after(1, resolve))
      running--
      for (const name of names) {
        const count = (left.get(name) ?? 1) - 1
        left.set(name, count)
        if (count > 0) scheduler.push(name, work[name]?.[0] ?? 'decode')
      }
    },
    tokensOf: (name) => (work[name]?.[0] === 'prefill' ? chunkTokens : 1),
    groupOf: (name) => work[name]?.[2] ?? '',
    wayOf: () => ({ index: 0, nStages: 1, company: 0 }),
    chunkTokens: () => PREFILL_CHUNK_TOKENS,
    clock
  })
  return { clock, steps, scheduler, mostRunning: () => mostRunning }
}

test('scheduler - tokens that wait together go in one step, one step at a time', async (t) => {
  const work: Record<string, [WorkKind, number]> = {
    a: ['decode', 3],
    b: ['decode', 3],
    c: ['decode', 3]
  }
  const { clock, steps, scheduler, mostRunning } = create(work)
  for (const name of Object.keys(work)) scheduler.push(name, 'decode')
  await clock.until(() => steps.join('').length === 9)
  t.alike(steps, ['a', 'bca', 'bca', 'bc'])
  t.is(mostRunning(), 1)
})

test('scheduler - prompts of a whole chunk take turns, short ones share a step', async (t) => {
  const work: Record<string, [WorkKind, number]> = { P: ['prefill', 3], Q: ['prefill', 2] }
  const long = create(work)
  const short = create(work, 40)
  for (const { scheduler } of [long, short]) {
    scheduler.push('P', 'prefill')
    scheduler.push('Q', 'prefill')
  }
  await long.clock.until(() => long.steps.length === 5)
  t.alike(long.steps, ['P', 'Q', 'P', 'Q', 'P'])
  await short.clock.until(() => short.steps.join('').length === 5)
  t.alike(short.steps, ['P', 'QP', 'QP'])
})

test('scheduler - a token has one chunk before it or beside it, and prompts move on', async (t) => {
  const work: Record<string, [WorkKind, number]> = {
    P: ['prefill', 6],
    Q: ['prefill', 6],
    a: ['decode', 12],
    b: ['decode', 12]
  }
  const { clock, steps, scheduler } = create(work)
  scheduler.push('P', 'prefill')
  scheduler.push('Q', 'prefill')
  scheduler.push('a', 'decode')
  scheduler.push('b', 'decode')
  await clock.until(() => steps.join('').length === 36)
  for (const name of ['a', 'b']) {
    let chunks = 0
    for (const step of steps) {
      chunks += (step.match(/[PQ]/g) ?? []).length
      if (!step.includes(name)) continue
      t.ok(chunks <= 1, `${name} had ${chunks} chunks in ${steps.join(' ')}`)
      chunks = 0
    }
  }
  t.ok(steps.length <= 14, `prompts are not starved: ${steps.join(' ')}`)
})

test('scheduler - a token that came during a chunk goes before the next one', async (t) => {
  const work: Record<string, [WorkKind, number]> = { P: ['prefill', 3], a: ['decode', 1] }
  const { clock, steps, scheduler } = create(work)
  scheduler.push('P', 'prefill')
  scheduler.push('a', 'decode')
  await clock.until(() => steps.length === 4)
  t.alike(steps, ['P', 'a', 'P', 'P'])
})

test('scheduler - who uses other layers has a step of its own', async (t) => {
  const { clock, steps, scheduler } = create({
    a: ['decode', 2, 'x'],
    b: ['decode', 2, 'y'],
    c: ['decode', 2, 'x']
  })
  for (const name of ['a', 'b', 'c']) scheduler.push(name, 'decode')
  await clock.until(() => steps.join('').length === 6)
  t.ok(
    steps.every((step) => !/b./.test(step) && !/.b/.test(step)),
    steps.join(' ')
  )
  t.ok(steps.some((step) => step.length === 2))
})

test('scheduler - whoever is removed gets no turn', async (t) => {
  const { clock, steps, scheduler } = create({ P: ['prefill', 1] })
  scheduler.push('P', 'prefill')
  for (const name of ['a', 'b', 'c']) scheduler.push(name, 'decode')
  scheduler.remove('b')
  await clock.pass(10)
  t.alike(steps, ['P', 'ac'])
})
