// Other ways to a peer than the one in use: its addresses as it tells them, ours as we tell them, and
// when to dial which. Owns the dials in progress; what comes of them are spare lanes, which spares.ts
// compares. One round dials one address after the other, since each lane that arrives costs the peer a
// proof; the number of rounds is bounded, since the addresses are whatever the peer says.

import { SwarmError } from '../../base/errors.ts'
import {
  ADDRESS_CHANGES_BURST,
  ADDRESS_CHANGES_PER_SECOND,
  PATH_SEARCHES_BURST,
  PATH_SEARCHES_PER_SECOND
} from '../../base/limits.ts'
import { shortId } from '../../wire/ids.ts'
import { Bucket } from '../../base/bucket.ts'

import type NoiseSecretStream from '@hyperswarm/secret-stream'
import type { Clock } from '../../base/clock.ts'
import type { Link } from '../link/link.ts'

/** Between two rounds while nothing is known to have changed: paths get slower without a word. */
const ROUND_MS = 30_000

/** Before the first round: sessions begin with the first lane, and need the processors themselves. */
const FIRST_MS = 1000

export interface PathSearchHandlers {
  /** @param onDone null when there is no lane to be had at these hosts. */
  dial(hosts: string[], onDone: (stream: NoiseSecretStream | null) => void): { cancel(): void }
  onStream(stream: NoiseSecretStream): void
}

export class PathSearch {
  readonly #link: Link
  readonly #handlers: PathSearchHandlers
  readonly #rounds: Bucket
  readonly #changes: Bucket
  #addresses: string[]
  #told: string | null = null
  #waitMs = FIRST_MS
  #waiting: string[] = []
  #dial: { cancel(): void } | null = null

  constructor(link: Link, clock: Clock, handlers: PathSearchHandlers) {
    this.#link = link
    this.#handlers = handlers
    this.#addresses = link.hello.lane.addresses
    this.#rounds = new Bucket(clock, PATH_SEARCHES_PER_SECOND, PATH_SEARCHES_BURST)
    this.#changes = new Bucket(clock, ADDRESS_CHANGES_PER_SECOND, ADDRESS_CHANGES_BURST)
  }

  /** Where the peer may be reached, the most likely first. */
  get hosts(): string[] {
    return otherHosts([this.#link.remoteHost, ...this.#addresses], null)
  }

  /** The peer can be reached at these addresses now. Who says so all the time loses its link. */
  heard(addresses: string[]): void {
    if (this.#changes.take()) {
      // Those of hello, said again, are no reason to begin before the first round.
      if (addresses.join() !== this.#addresses.join()) this.#waitMs = 0
      this.#addresses = addresses
      return
    }
    const text = `${shortId(this.#link.peer)} changes its addresses all the time; the link was closed`
    this.#link.close(new SwarmError('WIRE_BAD_FRAME', text))
  }

  /** Our own addresses, as they are now: the peer is told if they are news to it. */
  announce(addresses: string[]): void {
    const text = addresses.join()
    if (text === this.#told) return
    // The first time says nothing new, but hello may have been written just before a change.
    if (this.#told !== null) this.#waitMs = 0
    this.#told = text
    this.#link.send({ type: 'addresses', addresses })
  }

  /** @param usedHost the peer's address on the path in use; null while that is the link. */
  tick(listenedMs: number, usedHost: string | null): void {
    this.#waitMs -= listenedMs
    if (this.#waitMs > 0 || this.#dial !== null) return
    const hosts = otherHosts(this.hosts, usedHost)
    if (hosts.length > 0 && !this.#rounds.take()) return
    this.#waitMs = ROUND_MS
    this.#waiting = hosts
    this.#next()
  }

  /** Ends what is under way. */
  close(): void {
    this.#waiting = []
    this.#dial?.cancel()
    this.#dial = null
  }

  #next(): void {
    const host = this.#waiting.shift()
    if (host === undefined) return
    this.#dial = this.#handlers.dial([host], (stream) => {
      this.#dial = null
      if (stream !== null) this.#handlers.onStream(stream)
      this.#next()
    })
  }
}

/** As text that compares: a dual-stack socket shows IPv4 as `::ffff:10.0.0.1`. */
export function plainHost(host: string): string {
  return host.toLowerCase().replace(/^::ffff:(?=\d+\.)/, '')
}

/** The addresses of a peer, each once, without the one in use. */
export function otherHosts(addresses: readonly (string | null)[], used: string | null): string[] {
  const hosts = addresses.filter((address) => address !== null).map(plainHost)
  return [...new Set(hosts)].filter((host) => used === null || host !== plainHost(used))
}
