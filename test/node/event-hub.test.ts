import test from 'brittle'

import { EventHub } from '../../src/node/event-hub.ts'
import { FakeClock } from '../helpers/fake-clock.ts'

import type { NodeEvent } from '../../src/api/service.ts'

function setUp() {
  const clock = new FakeClock()
  const first: NodeEvent[] = []
  const hub = new EventHub(clock, (event) => first.push(event))
  return { clock, first, hub }
}

async function textsOf(events: AsyncIterable<NodeEvent>): Promise<string[]> {
  const texts: string[] = []
  for await (const { text } of events) texts.push(text)
  return texts
}

test('event hub - the first listener hears everything, with its time and data', (t) => {
  const { clock, first, hub } = setUp()
  clock.advance(5)
  hub.emit('peer', 'b is here', { peer: 'bb' })
  hub.emit('plan', 'layers: a 0-3')
  t.alike(first, [
    { wallMs: 1_700_000_000_005, kind: 'peer', text: 'b is here', data: { peer: 'bb' } },
    { wallMs: 1_700_000_000_005, kind: 'plan', text: 'layers: a 0-3' }
  ])
})

test('event hub - a subscriber hears what comes after it, until it leaves', async (t) => {
  const { hub } = setUp()
  hub.emit('x', 'before')
  const abort = new AbortController()
  const events = hub.subscribe(abort.signal)
  hub.emit('x', 'one')
  hub.emit('x', 'two')
  abort.abort()
  hub.emit('x', 'after')
  t.alike(await textsOf(events), ['one', 'two'])
})

test('event hub - whoever asks with an aborted signal hears nothing', async (t) => {
  const { hub } = setUp()
  const events = hub.subscribe(AbortSignal.abort())
  hub.emit('x', 'one')
  t.alike(await textsOf(events), [])
})

test('event hub - a reader that leaves its loop is forgotten', async (t) => {
  const { hub } = setUp()
  const events = hub.subscribe(new AbortController().signal)
  hub.emit('x', 'one')
  hub.emit('x', 'two')
  for await (const { text } of events) {
    t.is(text, 'one')
    break
  }
  hub.emit('x', 'three')
  t.alike(await textsOf(events), [])
})

test('event hub - a reader that does not keep up loses the newest, nobody else does', async (t) => {
  const { first, hub } = setUp()
  const abort = new AbortController()
  const slow = hub.subscribe(abort.signal)
  for (let i = 0; i < 1500; i++) hub.emit('x', String(i))
  abort.abort()
  const texts = await textsOf(slow)
  t.is(texts.length, 1000)
  t.is(texts.at(-1), '999')
  t.is(first.length, 1500)
})

test('event hub - closing ends every subscription after what was said', async (t) => {
  const { hub } = setUp()
  const events = hub.subscribe(new AbortController().signal)
  hub.emit('x', 'last')
  hub.close()
  t.alike(await textsOf(events), ['last'])
})

test('event hub - the last troubles are remembered, the rest is not', (t) => {
  const { hub } = setUp()
  t.alike(hub.troubles, [])
  for (let i = 0; i < 40; i++) {
    hub.emit('refused', `stranger ${i}`, { code: 'WIRE_PROOF' })
    hub.emit('plan', 'a plan')
  }
  hub.emit('error', 'the same identity twice')
  t.is(hub.troubles.length, 16)
  t.alike(hub.troubles[0]?.text, 'stranger 25')
  t.alike(hub.troubles.at(-1)?.text, 'the same identity twice')
})
