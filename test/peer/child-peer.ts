// A peer in a process of its own, for tests that kill, freeze or unplug it. Arguments: seed of its
// identity, topic, and what to do. Answers every session message with the same, but for activations of
// many tokens; when it is to stall, a message tells it to; when it is to watch, it prints how its links come,
// beat and go.

import { every, systemClock } from '../../src/base/clock.ts'
import { silentLog } from '../../src/base/log.ts'
import { systemRandom } from '../../src/base/random.ts'
import { identityOf } from '../../src/peer/identity.ts'
import { PeerNetwork } from '../../src/peer/network.ts'
import { openTopic } from '../../src/peer/topic.ts'

const [seed, name, task] = process.argv.slice(2) as [
  string,
  string,
  'stay' | 'leave' | 'stall' | 'watch'
]

const network = new PeerNetwork({
  identity: identityOf(new Uint8Array(32).fill(Number(seed))),
  topic: openTopic({ name, secret: null, bootstrap: false, public: false, lanOnly: true }),
  bootstrap: [],
  facts: { name: 'child', programVersion: '0.1.0', arithmeticVersion: 1, model: null },
  clock: systemClock,
  random: systemRandom,
  log: silentLog,
  onEvent(event) {
    // Nothing ends the process but that nothing is left to wait for.
    if (task === 'leave' && event.type === 'lane') void network.close()
    if (task === 'watch' && event.type.startsWith('link')) print({ type: event.type })
  }
})
function print(line: object): void {
  process.stdout.write(`${JSON.stringify(line)}\n`)
}

if (task === 'watch') {
  every(systemClock, 100, () => {
    const beats = network.links()[0]?.beats
    if (beats?.jitterMs !== null && beats !== undefined) print({ type: 'beats', ...beats })
  })
}

/** Stands still for 1.2 s twice, and says when that is over. */
function stall(): void {
  const stand = () => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1200)
  systemClock.after(500, stand)
  systemClock.after(2000, stand)
  systemClock.after(3500, () => network.publish({ held: [{ start: 0, end: 1 }] }))
}
network.hops.onMessage((from, message) => {
  if (task === 'stall') stall()
  if (message.type !== 'activation') network.hops.to(from).send(message)
  else if (message.nTokens === 1) {
    const frame = network.hops.to(from).allocate(message)
    frame.payload.set(message.payload)
    frame.send()
  }
})
await network.open()
