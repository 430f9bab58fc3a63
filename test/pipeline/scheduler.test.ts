import test from 'brittle'

import { Scheduler, type WorkKind } from '../../src/pipeline/scheduler.ts'
import { SimClock } from '../helpers/sim-clock.ts'

/** Runs steps that take a millisecond each; items come back as often as they have work. */
function create(work: Record<string, [WorkKind, number]>) {
  const clock = new SimClock()
  const order: string[] = []
  let running = 0
  let mostRunning = 0
  const left = new Map(Object.entries(work).map(([name, [, count]]) => [name, count]))
  const scheduler = new Scheduler<string>(async (name) => {
    running++
    mostRunning = Math.max(mostRunning, running)
    order.push(name)
    await new Promise<void>((resolve) => clock.after(1, resolve))
    running--
    const count = (left.get(name) ?? 1) - 1
    left.set(name, count)
    if (count > 0) scheduler.push(name, work[name]?.[0] ?? 'decode')
  })
  return { clock, order, scheduler, mostRunning: () => mostRunning }
}

test('scheduler - sessions take turns, one step at a time', async (t) => {
  const work: Record<string, [WorkKind, number]> = {
    a: ['decode', 3],
    b: ['decode', 3],
    c: ['decode', 3]
  }
  const { clock, order, scheduler, mostRunning } = create(work)
  for (const name of Object.keys(work)) scheduler.push(name, 'decode')
  await clock.until(() => order.length === 9)
  t.is(order.join(''), 'abcabcabc')
  t.is(mostRunning(), 1)
})

test('scheduler - prompts take turns too', async (t) => {
  const work: Record<string, [WorkKind, number]> = { P: ['prefill', 3], Q: ['prefill', 2] }
  const { clock, order, scheduler } = create(work)
  scheduler.push('P', 'prefill')
  scheduler.push('Q', 'prefill')
  await clock.until(() => order.length === 5)
  t.is(order.join(''), 'PQPQP')
})

test('scheduler - a token waits for at most one chunk, and prompts move on', async (t) => {
  const work: Record<string, [WorkKind, number]> = {
    P: ['prefill', 6],
    Q: ['prefill', 6],
    a: ['decode', 12],
    b: ['decode', 12]
  }
  const { clock, order, scheduler } = create(work)
  scheduler.push('P', 'prefill')
  scheduler.push('Q', 'prefill')
  scheduler.push('a', 'decode')
  scheduler.push('b', 'decode')
  await clock.until(() => order.length === 36)
  const steps = order.join('')
  for (const name of ['a', 'b']) {
    const gaps = steps.slice(0, steps.lastIndexOf(name)).split(name)
    for (const gap of gaps) t.ok(gap.replace(/[ab]/g, '').length <= 1, `${name} waited for ${gap}`)
  }
  t.ok(steps.lastIndexOf('Q') < steps.lastIndexOf('b'), 'the prompts were not starved')
})

test('scheduler - whoever is removed gets no turn', async (t) => {
  const { clock, order, scheduler } = create({})
  for (const name of ['a', 'b', 'c']) scheduler.push(name, 'decode')
  scheduler.remove('b')
  await clock.until(() => order.length === 2)
  await clock.pass(10)
  t.is(order.join(''), 'ac')
})
