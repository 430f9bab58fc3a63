// One measurement of one cable, from both of its ends. The dialling side leads: hello, round trips, then,
// if both users named the topic, a second of bulk each way encrypted and a second each way plain. Each
// side learns all figures. Pure order of messages; bounds are the channel's.

import { PROBE_PADDING_BYTES_MAX } from '../../base/limits.ts'
import { PROBE_TOKEN_BYTES, type ProbeHello } from '../../wire/probe.ts'
import { rateOf } from './flood.ts'
import { dialPlain, offerPlain, type Figure } from './plain-flood.ts'

import type { Clock } from '../../base/clock.ts'
import type { Random } from '../../base/random.ts'
import type { ProbeChannel } from './probe-channel.ts'

const PINGS = 40
/** First ones wake processors up and are no measure of the cable. */
const PINGS_DROPPED = 8

/** Bytes per second each way, as seen from this machine; null: not measured. */
export interface Throughput {
  toBytesPerSecond: number | null
  fromBytesPerSecond: number | null
}

export interface CableFigures {
  /** The other end, as it calls itself; foreign text. */
  name: string
  /** MTU of its interface. */
  mtuBytes: number
  /** Small messages there and back through our whole encrypted path, median. */
  rttMs: number | null
  /** The same with as many bytes as an activation has. */
  activationRttMs: number | null
  noise: Throughput
  plain: Throughput
}

export interface SessionOptions {
  clock: Clock
  random: Random
  /** What this side says of itself. */
  hello: Omit<ProbeHello, 'type'>
  /** Size of the larger pings. */
  activationBytes: number
}

/** @throws why the other side could not be measured. */
export async function lead(channel: ProbeChannel, options: SessionOptions): Promise<CableFigures> {
  const { clock, hello, activationBytes } = options
  channel.send({ type: 'hello', ...hello })
  const theirs = await channel.expect('hello')
  const rttMs = await pings(channel, clock, 0)
  const bytes = Math.min(activationBytes, PROBE_PADDING_BYTES_MAX)
  const activationRttMs = await pings(channel, clock, bytes)
  const figures = figuresOf(theirs, rttMs, activationRttMs)
  if (hello.measures && theirs.measures) {
    await channel.flood()
    figures.noise.toBytesPerSecond = rateOf(await channel.expect('report'))
    await channel.expect('end')
    const arrived = channel.takeFigure()
    channel.send({ type: 'report', ...arrived })
    figures.noise.fromBytesPerSecond = rateOf(arrived)

    channel.send({ type: 'plain-request' })
    const { port, token } = await channel.expect('plain-offer')
    const back = await dialPlain(channel.remoteHost, port, token, clock)
    const there = await channel.expect('report')
    channel.send({ type: 'report', ...(back ?? NOTHING) })
    figures.plain = { toBytesPerSecond: rateOf(there), fromBytesPerSecond: back && rateOf(back) }
  }
  const us = (ms: number) => Math.round(1000 * ms)
  channel.send({ type: 'result', rttUs: us(rttMs), activationRttUs: us(activationRttMs) })
  channel.end()
  return figures
}

/** @throws why the other side broke off. */
export async function follow(
  channel: ProbeChannel,
  options: SessionOptions
): Promise<CableFigures> {
  const { clock, random, hello } = options
  const theirs = await channel.expect('hello')
  channel.send({ type: 'hello', ...hello })
  const figures = figuresOf(theirs, null, null)
  let message = await channel.next()
  if (message.type === 'end' && hello.measures && theirs.measures) {
    const arrived = channel.takeFigure()
    channel.send({ type: 'report', ...arrived })
    figures.noise.fromBytesPerSecond = rateOf(arrived)
    await channel.flood()
    figures.noise.toBytesPerSecond = rateOf(await channel.expect('report'))

    await channel.expect('plain-request')
    const token = random.bytes(PROBE_TOKEN_BYTES)
    const offer = await offerPlain(channel.localHost, token, clock)
    channel.send({ type: 'plain-offer', port: offer.port, token })
    const there = (await offer.received) ?? NOTHING
    offer.close()
    channel.send({ type: 'report', ...there })
    figures.plain = {
      toBytesPerSecond: rateOf(await channel.expect('report')),
      fromBytesPerSecond: rateOf(there)
    }
    message = await channel.next()
  }
  if (message.type === 'result') {
    figures.rttMs = message.rttUs / 1000
    figures.activationRttMs = message.activationRttUs / 1000
  }
  return figures
}

const NOTHING: Figure = { sizeBytes: 0, durationUs: 0 }

function figuresOf(
  { name, mtuBytes }: Pick<ProbeHello, 'name' | 'mtuBytes'>,
  rttMs: number | null,
  activationRttMs: number | null
): CableFigures {
  const none = () => ({ toBytesPerSecond: null, fromBytesPerSecond: null })
  return { name, mtuBytes, rttMs, activationRttMs, noise: none(), plain: none() }
}

/** @returns the median, ms. */
async function pings(channel: ProbeChannel, clock: Clock, sizeBytes: number): Promise<number> {
  const padding = new Uint8Array(sizeBytes)
  const tookMs: number[] = []
  for (let id = 0; id < PINGS; id++) {
    const sentMs = clock.now()
    channel.send({ type: 'ping', id, padding })
    await channel.expect('pong')
    if (id >= PINGS_DROPPED) tookMs.push(clock.now() - sentMs)
  }
  return tookMs.toSorted((a, b) => a - b)[Math.floor(tookMs.length / 2)] as number
}
