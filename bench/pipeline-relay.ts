// The relay process of the pipeline bench: stands for the far one's ports at another address and passes
// every byte on a fixed time later. Timers of Node are good for a millisecond, so the last part of a delay
// is waited for awake. Arguments: the address, the delay of one way in ms, the ports.

import { systemClock, type Clock } from '../src/base/clock.ts'
import { Relay } from '../test/helpers/net/relay.ts'

/** How much of a delay is waited for awake: a timer may be so late. */
const AWAKE_MS = 1.5

const [host = '', delay = '', ...ports] = process.argv.slice(2)

/** Due calls in the order of their times: all delays of one relay are alike. */
const awake: { atMs: number; call: () => void }[] = []
let isAwake = false

function watch(): void {
  while (awake[0] !== undefined && awake[0].atMs <= systemClock.now()) awake.shift()?.call()
  isAwake = awake.length > 0
  if (isAwake) setImmediate(watch)
}

const exact: Clock = {
  ...systemClock,
  after(delayMs, call) {
    const due = { atMs: systemClock.now() + delayMs, call }
    const wake = () => {
      awake.push(due)
      if (!isAwake) setImmediate(watch)
      isAwake = true
    }
    if (delayMs > AWAKE_MS) return systemClock.after(delayMs - AWAKE_MS, wake)
    wake()
    return { cancel: () => (due.call = () => {}) }
  }
}

for (const port of ports.map(Number)) {
  await Relay.tcp({ port, at: { host, port }, delayMs: Number(delay), clock: exact })
}
console.log('ready')
