// Opens a TCP connection to a peer, for a lane or a link: all its likely addresses, a little apart, and
// the first whose Noise handshake is done wins. Where the peer's key is known Noise IK is used: the
// handshake proves it, and a wrong machine at an old address learns nothing, not even who is asking.

import { connect, type Socket } from 'node:net'

import { LANE_ADDRESSES_MAX } from '../../base/limits.ts'
import { LaneStream } from './lane-stream.ts'
import { limitBytes } from '../link/unproven.ts'
import { afterListening } from '../link/silence.ts'

import type NoiseSecretStream from '@hyperswarm/secret-stream'
import type { KeyPair } from '@hyperswarm/secret-stream'
import type { Clock, Timer } from '../../base/clock.ts'

/** Between two attempts: an address on the LAN answers sooner, so usually only one is made. */
const STAGGER_MS = 100

/** For all attempts together. On a LAN the handshake takes 2 ms; a blocked port answers nothing. */
export const DIAL_TIMEOUT_MS = 1500

export interface DialTarget {
  /** The most likely first. */
  hosts: string[]
  /** 0: the peer accepts no lanes, so there is nothing to try. */
  port: number
  /** Null: whoever answers there (`--peer`); then the handshake is XX and tells the key. */
  publicKey: Uint8Array | null
}

export class LaneDial {
  readonly #target: DialTarget
  readonly #keyPair: KeyPair
  readonly #onDone: (stream: NoiseSecretStream | null) => void
  readonly #waiting: string[]
  readonly #attempts = new Set<NoiseSecretStream>()
  readonly #timers: Timer[]
  #done = false

  /** @param onDone called once, never before the constructor returns. */
  constructor(
    target: DialTarget,
    keyPair: KeyPair,
    clock: Clock,
    onDone: (stream: NoiseSecretStream | null) => void
  ) {
    this.#target = target
    this.#keyPair = keyPair
    this.#onDone = onDone
    const hosts = target.port > 0 ? target.hosts : []
    this.#waiting = [...new Set(hosts)].slice(0, 1 + LANE_ADDRESSES_MAX)
    this.#timers = this.#waiting.map((_, index) => {
      return clock.after(index * STAGGER_MS, () => this.#attempt())
    })
    const giveUp = () => this.#finish(null)
    this.#timers.push(
      this.#waiting.length > 0
        ? afterListening(clock, DIAL_TIMEOUT_MS, giveUp)
        : clock.after(0, giveUp)
    )
  }

  cancel(): void {
    this.#done = true
    for (const timer of this.#timers) timer.cancel()
    for (const stream of this.#attempts) stream.destroy()
  }

  #attempt(): void {
    const host = this.#waiting.shift()
    if (host === undefined || this.#done) return
    const socket: Socket = connect({ host, port: this.#target.port, noDelay: true })
    const { publicKey } = this.#target
    const stream = new LaneStream(true, socket, {
      keyPair: this.#keyPair,
      ...(publicKey === null ? { pattern: 'XX' } : { pattern: 'IK', remotePublicKey: publicKey })
    })
    this.#attempts.add(stream)
    const unlimit = limitBytes(socket, () => stream.destroy())
    stream.on('error', () => {})
    stream.on('close', () => {
      this.#attempts.delete(stream)
      if (this.#attempts.size > 0 || this.#done) return
      if (this.#waiting.length > 0) this.#attempt()
      else this.#finish(null)
    })
    stream.on('connect', () => {
      unlimit()
      this.#attempts.delete(stream)
      if (this.#done) stream.destroy()
      else this.#finish(stream)
    })
  }

  #finish(stream: NoiseSecretStream | null): void {
    if (this.#done) return
    this.cancel()
    this.#onDone(stream)
  }
}
