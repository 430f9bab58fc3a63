// Promise 5: no internet, no router, no bootstrap. The peers find each other by the beacon alone.

import test, { type Test } from 'brittle'

import { endlessModel } from '../helpers/endless.ts'
import { CABLES, Net, type CableKind } from '../helpers/net/namespaces.ts'
import { agreedPlan, Lab, REAL, type JoinOptions } from '../helpers/swarm-lab.ts'

const QUESTION = ['-p', 'one two', '-n', '24', '--temp', '0']

/** Two peers that know nothing but the topic's name, each in its place, answer as one machine does. */
async function meetAndAnswer(t: Test, lab: Lab, places: readonly JoinOptions[]): Promise<void> {
  const model = await endlessModel(lab)
  const alone = await lab.json(['run', model, ...QUESTION])
  const topic = lab.topic('offline')
  const peers = places.map((place, index) => {
    const flags = ['--model', model, '--threads', '1', '--layers', ['0-1', '2-3'][index] as string]
    return lab.join(`peer ${index}`, topic, flags, place)
  })
  await agreedPlan(peers, 2)
  for (const peer of peers) {
    const { text } = await peer.event('topic')
    const reach = `Anyone who knows or guesses its name can join '${topic}', on this local network.`
    t.is(text, reach)
    const result = await lab.generate(peer, QUESTION)
    t.is(result.stages.length, 2)
    t.is(result.logitsHash, alone['logitsHash'])
  }
}

test('offline - two peers of one machine meet by the beacon and answer', REAL, async (t) => {
  await meetAndAnswer(t, Lab.open(t), [{}, {}])
})

for (const kind of Object.keys(CABLES) as CableKind[]) {
  test(`offline - two machines with a bare cable, ${kind}, meet and answer`, REAL, async (t) => {
    const net = Net.open(t)
    if (typeof net === 'string') return t.comment(`skipped: ${net}`)
    const places = net.bareCable(kind).map(({ inside }) => ({ prefix: inside }))
    await meetAndAnswer(t, Lab.open(t), places)
  })
}
