// A bad network between two ports of this machine, for a kernel without netem: delay, jitter, loss, a
// rate, and a partition in either direction, drawn from a seed. UDP packets are lost and may overtake
// each other; of a TCP stream no byte is, since its kernels would repeat it: a loss there costs time.

import { createSocket, type Socket as UdpSocket } from 'node:dgram'
import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Socket as TcpSocket } from 'node:net'

import { systemClock, type Clock } from '../../../src/base/clock.ts'
import { seededRandom, unit, type Random } from '../../../src/base/random.ts'

export interface Weather {
  /** One way. */
  delayMs?: number
  /** Added to it, evenly drawn from 0 to this. */
  jitterMs?: number
  /** Share of packets lost, 0 to 1; of a TCP stream, of the pieces it arrives in. */
  loss?: number
  /** Of each direction; unlimited when absent. */
  bytesPerSecond?: number
}

/** What a lost piece of a TCP stream costs: the least time after which Linux sends it again. */
const RETRANSMIT_MS = 200

export type Direction = 'there' | 'back'

/** When one direction of a path delivers what is sent on it. Pure but for its dice. */
export class Path {
  readonly #weather: Weather
  readonly #random: Random
  #freeMs = 0
  #lastMs = 0

  constructor(weather: Weather, seed: number) {
    this.#weather = weather
    this.#random = seededRandom(seed)
  }

  /**
   * @param inOrder for a stream: nothing overtakes, and a loss is a delay.
   * @returns when it arrives, or null when it is lost.
   */
  arrivalMs(nowMs: number, sizeBytes: number, inOrder: boolean): number | null {
    const { delayMs = 0, jitterMs = 0, loss = 0, bytesPerSecond = Infinity } = this.#weather
    const isLost = unit(this.#random) < loss
    const jitter = jitterMs * unit(this.#random)
    if (isLost && !inOrder) return null
    // What is sent waits until the wire has taken what was sent before.
    this.#freeMs = Math.max(nowMs, this.#freeMs) + (1000 * sizeBytes) / bytesPerSecond
    const arrivesMs = this.#freeMs + delayMs + jitter + (isLost ? RETRANSMIT_MS : 0)
    if (!inOrder) return arrivesMs
    this.#lastMs = Math.max(this.#lastMs, arrivesMs)
    return this.#lastMs
  }
}

export interface RelayOptions extends Weather {
  /** What is behind it, on 127.0.0.1. */
  port: number
  /** Where it listens itself; any port of 127.0.0.1 when absent. */
  at?: { host: string; port: number }
  seed?: number
  clock?: Clock
}

/** One port that stands for another. */
export class Relay {
  readonly #options: RelayOptions
  readonly #paths: Record<Direction, Path>
  readonly #cut = { there: false, back: false }
  readonly #held: (() => void)[] = []
  readonly #ends = new Set<() => void>()
  #port = 0
  #nLost = 0

  static async tcp(options: RelayOptions): Promise<Relay> {
    const relay = new Relay(options)
    await relay.#listenTcp()
    return relay
  }

  static async udp(options: RelayOptions): Promise<Relay> {
    const relay = new Relay(options)
    await relay.#listenUdp()
    return relay
  }

  private constructor(options: RelayOptions) {
    const { seed = 1 } = options
    this.#options = options
    this.#paths = { there: new Path(options, 2 * seed), back: new Path(options, 2 * seed + 1) }
  }

  /** Where to connect to. */
  get port(): number {
    return this.#port
  }

  /** Packets that a partition has lost. */
  get nLost(): number {
    return this.#nLost
  }

  /** Lets nothing through in these directions; none heals it. UDP is lost, a TCP stream waits. */
  partition(...directions: Direction[]): void {
    this.#cut.there = directions.includes('there')
    this.#cut.back = directions.includes('back')
    if (directions.length === 0) for (const send of this.#held.splice(0)) send()
  }

  close(): void {
    for (const end of this.#ends) end()
    this.#ends.clear()
  }

  /** @param stream what is on its way on this stream; absent for a packet. */
  #pass(
    direction: Direction,
    sizeBytes: number,
    deliver: () => void,
    stream: (() => void)[] | null = null
  ): void {
    const { clock = systemClock } = this.#options
    if (this.#cut[direction]) {
      if (stream) this.#held.push(() => this.#pass(direction, sizeBytes, deliver, stream))
      else this.#nLost++
      return
    }
    const nowMs = clock.now()
    const atMs = this.#paths[direction].arrivalMs(nowMs, sizeBytes, stream !== null)
    if (atMs === null) return
    stream?.push(deliver)
    const timer = clock.after(atMs - nowMs, () => {
      this.#ends.delete(cancel)
      // Timers of one millisecond fire in any order.
      const next = stream === null ? deliver : stream.shift()
      next?.()
    })
    const cancel = () => timer.cancel()
    this.#ends.add(cancel)
  }

  get #at(): { host: string; port: number } {
    return this.#options.at ?? { host: '127.0.0.1', port: 0 }
  }

  async #listenTcp(): Promise<void> {
    const server = createServer({ noDelay: true, allowHalfOpen: true }, (socket) => {
      const onward = connect({
        port: this.#options.port,
        host: '127.0.0.1',
        noDelay: true,
        allowHalfOpen: true
      })
      this.#pipe('there', socket, onward)
      this.#pipe('back', onward, socket)
    })
    const { host, port } = this.#at
    server.listen(port, host)
    await once(server, 'listening')
    this.#port = (server.address() as AddressInfo).port
    this.#ends.add(() => server.close())
  }

  #pipe(direction: Direction, from: TcpSocket, to: TcpSocket): void {
    this.#ends.add(() => from.destroy())
    const onWay: (() => void)[] = []
    from.on('error', () => {})
    from.on('data', (chunk: Buffer) => {
      this.#pass(direction, chunk.byteLength, () => to.write(chunk), onWay)
    })
    from.on('end', () => this.#pass(direction, 0, () => to.end(), onWay))
    from.on('close', () => this.#pass(direction, 0, () => to.destroySoon(), onWay))
  }

  async #listenUdp(): Promise<void> {
    const front = createSocket('udp4')
    const clients = new Map<string, UdpSocket>()
    front.on('message', (bytes, { address, port }) => {
      const key = `${address} ${port}`
      let onward = clients.get(key)
      if (onward === undefined) {
        onward = createSocket('udp4')
        clients.set(key, onward)
        onward.on('message', (answer) => {
          this.#pass('back', answer.byteLength, () => front.send(answer, port, address))
        })
        const opened = onward
        this.#ends.add(() => opened.close())
      }
      const to = onward
      this.#pass('there', bytes.byteLength, () => {
        to.send(bytes, this.#options.port, '127.0.0.1')
      })
    })
    const { host, port } = this.#at
    front.bind(port, host)
    await once(front, 'listening')
    this.#port = front.address().port
    this.#ends.add(() => front.close())
  }
}
