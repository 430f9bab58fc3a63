// The connection over which two `swarm bridge` commands talk while they measure: messages in order, with
// floods counted as they arrive instead of being kept. Owns the stream from its proof to its end. What is
// said when is in probe-dialler.ts and probe-answerer.ts.

import { Socket } from 'node:net'

import { SwarmError, toSwarmError } from '../../base/errors.ts'
import { PROBE_PADDING_BYTES_MAX, PROBE_PINGS_MAX, PROBE_SESSION_MS } from '../../base/limits.ts'
import { decodeProbe, encodeProbe, type ProbeMessage } from '../../wire/probe.ts'
import { flood, FloodMeter } from './flood.ts'

import type NoiseSecretStream from '@hyperswarm/secret-stream'
import type { Clock, Timer } from '../../base/clock.ts'

const DATA = encodeProbe({ type: 'data', padding: new Uint8Array(PROBE_PADDING_BYTES_MAX) })
/** Number and length; the rest of a block is whatever the buffer holds of earlier ones. */
const DATA_HEAD_BYTES = 3
/** Messages that wait to be read: the other side says one thing and waits, but for its pings. */
const WAITING_MAX = 8

export class ProbeChannel {
  readonly #stream: NoiseSecretStream
  readonly #clock: Clock
  readonly #takesFloods: boolean
  readonly #timer: Timer
  readonly #waiting: ProbeMessage[] = []
  #wake: (() => void) | null = null
  #error: SwarmError | null = null
  #meter: FloodMeter
  #pings = 0

  /**
   * @param stream after its handshake and both proofs, in the same tick.
   * @param takesFloods false: whoever sends one is refused at its first block.
   */
  constructor(stream: NoiseSecretStream, clock: Clock, takesFloods: boolean) {
    this.#stream = stream
    this.#clock = clock
    this.#takesFloods = takesFloods
    this.#meter = new FloodMeter(clock)
    this.#timer = clock.after(PROBE_SESSION_MS, () => {
      this.close(new SwarmError('PEER_TIMEOUT', 'the other end of the cable stopped answering'))
    })
    stream.on('data', (bytes: Uint8Array) => this.#receive(bytes))
    const gone = () => this.close(new SwarmError('PEER_GONE', 'the other end of the cable hung up'))
    stream.on('error', gone)
    stream.on('close', gone)
  }

  /** Own address of the connection, without the form that IPv4 has on a socket of both families. */
  get localHost(): string {
    const { rawStream } = this.#stream
    const host = rawStream instanceof Socket ? rawStream.localAddress : undefined
    return (host ?? '').replace(/^::ffff:/, '')
  }

  get remoteHost(): string {
    const { rawStream } = this.#stream
    const host = rawStream instanceof Socket ? rawStream.remoteAddress : undefined
    return (host ?? '').replace(/^::ffff:/, '')
  }

  send(message: ProbeMessage): void {
    if (this.#error === null) this.#stream.write(encodeProbe(message))
  }

  /** Fills the connection for a second, then says that it is over. */
  async flood(): Promise<void> {
    await flood(this.#stream, this.#clock, DATA.byteLength, () => {
      const block = this.#stream.alloc(DATA.byteLength)
      block.set(DATA.subarray(0, DATA_HEAD_BYTES))
      return this.#stream.write(block)
    })
    this.send({ type: 'end' })
  }

  /** The next message that is neither part of a flood nor a ping. @throws why the channel ended. */
  async next(): Promise<ProbeMessage> {
    for (;;) {
      const message = this.#waiting.shift()
      if (message !== undefined) return message
      if (this.#error !== null) throw this.#error
      await new Promise<void>((resolve) => (this.#wake = resolve))
    }
  }

  /** The next message, which must be of this type. @throws WIRE_BAD_FRAME, or why the channel ended. */
  async expect<T extends ProbeMessage['type']>(
    type: T
  ): Promise<Extract<ProbeMessage, { type: T }>> {
    const message = await this.next()
    if (message.type === type) return message as Extract<ProbeMessage, { type: T }>
    const text = `the other end of the cable said '${message.type}' instead of '${type}'`
    this.close(new SwarmError('WIRE_BAD_FRAME', text))
    throw this.#error ?? new SwarmError('WIRE_BAD_FRAME', text)
  }

  /** What arrived of a flood since the last call. */
  takeFigure(): { sizeBytes: number; durationUs: number } {
    const figure = this.#meter.figure()
    this.#meter = new FloodMeter(this.#clock)
    return figure
  }

  /** Sends what is left, then ends. */
  end(): void {
    this.#stream.end()
  }

  close(error: SwarmError): void {
    if (this.#error !== null) return
    this.#error = error
    this.#timer.cancel()
    this.#stream.destroy()
    this.#wake?.()
  }

  #receive(bytes: Uint8Array): void {
    if (this.#error !== null) return
    try {
      this.#take(decodeProbe(bytes))
    } catch (error) {
      this.close(toSwarmError(error, 'WIRE_BAD_FRAME'))
    }
  }

  /** @throws WIRE_TOO_LARGE */
  #take(message: ProbeMessage): void {
    if (message.type === 'data') {
      const isFine = this.#takesFloods && this.#meter.add(message.padding.byteLength)
      if (!isFine) throw tooMuch('bytes')
    } else if (message.type === 'ping') {
      if (++this.#pings > PROBE_PINGS_MAX) throw tooMuch('pings')
      this.send({ ...message, type: 'pong' })
    } else {
      if (this.#waiting.length >= WAITING_MAX) throw tooMuch('messages')
      this.#waiting.push(message)
      this.#wake?.()
    }
  }
}

function tooMuch(what: string): SwarmError {
  return new SwarmError('WIRE_TOO_LARGE', `the other end of the cable sent too many ${what}`)
}
