// `swarm bridge`, the measuring half: who is at the other end of this machine's cables, how far away, and
// how much goes through. Two commands at the two ends find each other; the one with the greater key
// leads, the other follows, and steps in when nothing comes. A running peer is only found and timed.
// Throughput is measured with those that have proven that they know the topic, and only while this runs.

import { sleep } from '../../base/clock.ts'
import { SwarmError, toSwarmError } from '../../base/errors.ts'
import { PROBE_SESSIONS_MAX } from '../../base/limits.ts'
import { peerIdOf } from '../../wire/ids.ts'
import { LaneDial } from '../lane/lane-dial.ts'
import { DirectServer } from '../find/direct-server.ts'
import { exchangeProofs } from '../link/proof-exchange.ts'
import { blocked, connectTimeMs } from './connect-time.ts'
import { EndTable, type End, type FoundEnd } from './end-table.ts'
import { Finder, meetingTopic, type Sighting } from './finder.ts'
import { ProbeChannel } from './probe-channel.ts'
import { follow, lead, type CableFigures } from './probe-session.ts'

import type NoiseSecretStream from '@hyperswarm/secret-stream'
import type { Clock } from '../../base/clock.ts'
import type { Random } from '../../base/random.ts'
import type { Identity } from '../identity.ts'
import type { Topic } from '../topic.ts'

/** How long after the last news it looks on: an end is heard on its other cables within a second. */
const SETTLE_MS = 1500
const LOOK_MS = 50
/** Between two looks for cables that were plugged in meanwhile. */
const CABLES_MS = 1000

export interface CableProbeOptions {
  /** Null: only finds and times. */
  topic: Topic | null
  /** Made for this run: a peer of this machine that runs under the real one is not disturbed. */
  identity: Identity
  /** Host name. */
  name: string
  /** Name of the interface that an address belongs to; null for one of no interface. */
  interfaceOf(host: string): string | null
  mtuOf(interfaceName: string): number
  /** Size of the activation that is timed. */
  activationBytes: number
  /** How long to look where nobody is found. */
  waitMs: number
  clock: Clock
  random: Random
  beaconPort?: number
  onSighting?(found: FoundEnd): void
}

/** @throws AbortError; PEER_NO_LINK when this machine gives no port. */
export async function probeCables(
  options: CableProbeOptions,
  signal: AbortSignal
): Promise<FoundEnd[]> {
  const run = new CableProbe(options)
  const close = () => run.close()
  signal.addEventListener('abort', close, { once: true })
  try {
    await run.open()
    await run.run(signal)
    return run.ends
  } finally {
    signal.removeEventListener('abort', close)
    close()
  }
}

class CableProbe {
  readonly #options: CableProbeOptions
  readonly #topic: Topic
  readonly #server: DirectServer
  readonly #channels = new Set<ProbeChannel>()
  readonly #ends: EndTable
  #finder: Finder | null = null
  #sessions = 0
  #newsMs: number | null = null

  constructor(options: CableProbeOptions) {
    this.#options = options
    this.#topic = options.topic ?? meetingTopic()
    this.#ends = new EndTable(options.identity.id)
    const { keyPair } = options.identity
    this.#server = new DirectServer(keyPair, options.clock, (stream) => this.#accept(stream))
  }

  get ends(): FoundEnd[] {
    return this.#ends.found()
  }

  async open(): Promise<void> {
    const { topic, identity, clock, random, beaconPort } = this.#options
    const probePort = await this.#server.open()
    if (probePort === 0) {
      throw new SwarmError('PEER_NO_LINK', 'this machine gave no TCP port; close some programs')
    }
    this.#finder = new Finder({
      topic,
      self: identity.id,
      probePort,
      clock,
      random,
      ...(beaconPort === undefined ? {} : { beaconPort }),
      onSighting: (sighting) => this.#note(sighting)
    })
    this.#finder.open()
  }

  close(): void {
    this.#finder?.close()
    this.#server.close()
    const text = 'swarm bridge ended here'
    for (const channel of this.#channels) channel.close(new SwarmError('PEER_GONE', text))
  }

  /** Until all that were found are measured, or nobody was found in time. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, waitMs } = this.#options
    const startMs = clock.now()
    let cablesMs = startMs
    for (;;) {
      const nowMs = clock.now()
      if (nowMs - cablesMs > CABLES_MS) {
        cablesMs = nowMs
        this.#finder?.again()
      }
      const next = this.#ends.next(nowMs, this.#sessions > 0)
      if (next !== null) await this.#try(next, signal)
      else if (this.#sessions === 0 && !this.#ends.isWaiting) {
        const quietMs = nowMs - (this.#newsMs ?? Infinity)
        if (nowMs - startMs > waitMs || quietMs > SETTLE_MS) return
      }
      await sleep(clock, LOOK_MS, signal)
    }
  }

  #note(sighting: Sighting): void {
    const { clock, interfaceOf } = this.#options
    const end = this.#ends.add(sighting, interfaceOf(sighting.host), clock.now())
    if (end === null) return
    this.#newsMs = clock.now()
    this.#options.onSighting?.(end)
  }

  async #try(end: End, signal: AbortSignal): Promise<void> {
    const { clock } = this.#options
    end.tried = true
    try {
      if (end.kind === 'peer') end.connectMs = await connectTimeMs(end, clock, signal)
      else end.figures = await this.#lead(end)
      end.error = null
    } catch (error) {
      signal.throwIfAborted()
      end.error = toSwarmError(error, 'PEER_GONE')
      if (end.error.code === 'PEER_NO_LINK') this.#ends.unreachable(end, clock.now())
    }
    this.#newsMs = clock.now()
  }

  async #lead({ key, host, port, interfaceName }: FoundEnd): Promise<CableFigures> {
    const { clock, identity } = this.#options
    const target = { hosts: [host], port, publicKey: Buffer.from(key, 'hex') }
    const stream = await new Promise<NoiseSecretStream | null>((resolve) => {
      return new LaneDial(target, identity.keyPair, clock, resolve)
    })
    if (stream === null) throw blocked(host, port)
    const channel = await this.#proven(stream)
    try {
      return await lead(channel, this.#session(interfaceName))
    } finally {
      this.#channels.delete(channel)
    }
  }

  #accept(stream: NoiseSecretStream): void {
    if (this.#sessions >= PROBE_SESSIONS_MAX) {
      stream.destroy()
      return
    }
    this.#sessions++
    void this.#follow(stream).finally(() => this.#sessions--)
  }

  async #follow(stream: NoiseSecretStream): Promise<void> {
    const { clock, interfaceOf } = this.#options
    let end: End | null = null
    let channel: ProbeChannel | null = null
    try {
      channel = await this.#proven(stream)
      const key = peerIdOf(stream.remotePublicKey)
      const host = channel.remoteHost
      const interfaceName = interfaceOf(host)
      const sighting: Sighting = { kind: 'bridge', key, host, port: 0 }
      this.#ends.add(sighting, interfaceName, clock.now())
      end = this.#ends.get(sighting, interfaceName)
      if (end === null) return channel.close(new SwarmError('PEER_BUSY', 'there are too many ends'))
      end.tried = true
      end.figures = await follow(channel, this.#session(interfaceName))
      end.error = null
    } catch (error) {
      // A stranger that knocked is no end of a cable.
      if (end !== null) end.error = toSwarmError(error, 'PEER_GONE')
    } finally {
      if (channel !== null) this.#channels.delete(channel)
      channel?.close(new SwarmError('PEER_GONE', 'the measurement is over'))
    }
    this.#newsMs = clock.now()
  }

  #proven(stream: NoiseSecretStream): Promise<ProbeChannel> {
    const { clock, topic } = this.#options
    return new Promise((resolve, reject) => {
      stream.on('error', () => {}) // 'close' follows
      const onClose = () => reject(new SwarmError('PEER_GONE', 'the other end hung up'))
      stream.on('close', onClose)
      exchangeProofs(stream, this.#topic.proofKey, { use: 'probe', clock }, (error) => {
        stream.off('close', onClose)
        if (error !== null) {
          stream.destroy()
          return reject(error)
        }
        const channel = new ProbeChannel(stream, clock, topic !== null)
        this.#channels.add(channel)
        resolve(channel)
      })
    })
  }

  #session(interfaceName: string | null) {
    const { clock, random, name, topic, mtuOf, activationBytes } = this.#options
    const mtuBytes = interfaceName === null ? 0 : mtuOf(interfaceName)
    return { clock, random, activationBytes, hello: { name, mtuBytes, measures: topic !== null } }
  }
}
