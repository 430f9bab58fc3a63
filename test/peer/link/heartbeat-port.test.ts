// The thread with its real socket; what is sent and heard is in heartbeats.test.ts.

import { createSocket } from 'node:dgram'
import { networkInterfaces } from 'node:os'
import test, { type Test } from 'brittle'

import { silentLog } from '../../../src/base/log.ts'
import { seededRandom } from '../../../src/base/random.ts'
import { HeartbeatPort } from '../../../src/peer/link/heartbeat-port.ts'
import { HeartbeatSocket } from '../../../src/peer/link/heartbeat-socket.ts'
import { HEARTBEAT_BYTES, encodeHeartbeat, heartbeatAddress } from '../../../src/wire/heartbeat.ts'
import { until } from '../../helpers/until.ts'

import type { Beat } from '../../../src/peer/link/heartbeats.ts'
import type { PeerId } from '../../../src/wire/ids.ts'

const random = seededRandom(3)
const [KEY_A, KEY_B] = [random.bytes(32), random.bytes(32)]
const [A, B] = ['aa'.repeat(32), 'bb'.repeat(32)] as [PeerId, PeerId]

async function port(t: Test, host: string | null = null) {
  const beats: Beat[] = []
  const one = new HeartbeatPort(silentLog, (beat) => beats.push(beat))
  t.teardown(() => one.close())
  return { one, beats, number: await one.open(host) }
}

/** Two ports that know each other; only A knows an address. */
async function pair(t: Test, host: string) {
  const [a, b] = [await port(t), await port(t)]
  const toB = [{ host, port: b.number }]
  a.one.linkUp({ peer: B, ownKey: KEY_A, theirKey: KEY_B, addresses: toB })
  b.one.linkUp({ peer: A, ownKey: KEY_B, theirKey: KEY_A, addresses: [] })
  return { a, b }
}

const hasIpv6 = Object.values(networkInterfaces()).some((all) =>
  all?.some(({ address }) => address === '::1')
)

for (const host of ['127.0.0.1', '::1']) {
  test(`heartbeat port - two threads hear each other over ${host}, on one socket`, async (t) => {
    if (host === '::1' && !hasIpv6) return t.comment('skipped: this machine has no IPv6')
    const { a, b } = await pair(t, host)
    const isEnough = ({ beats }: { beats: Beat[] }) => beats.length >= 5
    await until(() => {
      for (const { one } of [a, b]) one.tick()
      return isEnough(a) && isEnough(b)
    })
    t.ok(b.beats.every(({ peer }) => peer === A) && a.beats.every(({ peer }) => peer === B))
    t.ok(b.beats.some(({ rttMs }) => rttMs !== null && rttMs >= 0 && rttMs < 1000))
  })
}

test('heartbeat port - noise and forgeries at the open port change nothing', async (t) => {
  const { a, b } = await pair(t, '127.0.0.1')
  const socket = createSocket('udp4')
  t.teardown(() => socket.close())
  const forged = encodeHeartbeat(
    { number: 2 ** 40, heard: 0, heardAgoUs: 0 },
    heartbeatAddress(KEY_B),
    KEY_A
  )
  let sent = 0
  await until(() => {
    for (const { one } of [a, b]) one.tick()
    // As fast as the loop turns, each of another size; some have the right size and address.
    const isForged = sent % 10 === 0 && sent < 200
    socket.send(isForged ? forged : random.bytes(sent % 1400), b.number, '127.0.0.1')
    sent++
    return a.beats.length >= 8 && b.beats.length >= 5
  })
  t.ok(sent > 100 && forged.byteLength === HEARTBEAT_BYTES)
  t.ok(b.beats.every(({ peer }) => peer === A))
})

test('heartbeat port - they end some seconds after the main loop has', async (t) => {
  const { a, b } = await pair(t, '127.0.0.1')
  a.one.tick()
  let [seen, seenMs] = [0, 0]
  const startMs = performance.now()
  await until(() => {
    b.one.tick()
    if (b.beats.length > seen) [seen, seenMs] = [b.beats.length, performance.now()]
    return seen > 0 && performance.now() - seenMs > 1000
  })
  const lastedMs = seenMs - startMs
  t.ok(lastedMs > 3500 && lastedMs < 6500, `${lastedMs.toFixed(0)} ms`)
})

test('heartbeat socket - one that cannot be bound is none, and sending nowhere is quiet', async (t) => {
  t.is(await HeartbeatSocket.open('192.0.2.77', () => {}), null)
  const socket = await HeartbeatSocket.open('127.0.0.1', () => {})
  for (const host of ['::1', 'fe80::1%nowhere', '127.0.0.1']) {
    socket?.send(new Uint8Array(44), { host, port: 9 })
  }
  t.ok((socket?.port ?? 0) > 0)
  socket?.close()
})
