// Flow A, the data plane of a stage: takes the next step that is due, runs it, and sends what comes out
// where the route says: an activation to the next stage, a token to the first stage and to the origin.
// Owns the order of steps among sessions (scheduler.ts); which frames are due is hosted-session.ts, and
// what happens to a session whose step failed is the stage host's business.

import { SwarmError } from '../base/errors.ts'
import { HOP_BACKLOG_BYTES_MAX, MESSAGE_BYTES_MAX } from '../base/limits.ts'
import { formatSize } from '../base/text.ts'
import { shortId, type PeerId } from '../wire/ids.ts'
import { ACTIVATION_HEADER_BYTES, activationBytes } from '../wire/session-codec.ts'
import { LayerReads } from './layer-reads.ts'
import { goneError } from './route.ts'
import { Scheduler } from './scheduler.ts'

import type { Clock } from '../base/clock.ts'
import type { Stage, StepRequest, StepResult } from '../compute/stage.ts'
import type { SessionMessage } from '../wire/session.ts'
import type { ActivationFrame, Hop, Hops } from './hop.ts'
import type { HostedSession, Work } from './hosted-session.ts'

/** What stages tell an origin in the course of a session. */
export type OriginMessage = Extract<
  SessionMessage,
  { type: 'opened' | 'progress' | 'token' | 'closed' }
>

export interface StepRunnerComponents {
  stage: Stage
  hops: Hops
  clock: Clock
  toOrigin: (session: HostedSession, message: OriginMessage) => void
  /** A step failed; the session is still marked as running. */
  onError: (session: HostedSession, error: unknown) => void
  /** No step uses the session's cache any more. */
  onSettled: (session: HostedSession) => void
}

export class StepRunner {
  readonly #components: StepRunnerComponents
  readonly #scheduler = new Scheduler<HostedSession>((session) => this.#step(session))
  /** Steps that have run, for whoever shows what this machine does. */
  readonly reads: LayerReads

  constructor(components: StepRunnerComponents) {
    this.#components = components
    this.reads = new LayerReads(components.stage.nLayers)
  }

  /** Lets a session wait for its turn if it has work and does not wait or run already. */
  schedule(session: HostedSession): void {
    const work = session.nextWork()
    const isBusy = session.isWaiting || session.isRunning || session.ending !== null
    if (work === null || isBusy) return
    session.isWaiting = true
    this.#scheduler.push(session, work.kind)
  }

  remove(session: HostedSession): void {
    this.#scheduler.remove(session)
  }

  async #step(session: HostedSession): Promise<void> {
    session.isWaiting = false
    const work = session.takeWork()
    if (work === null) return
    const signal = session.beginStep()
    try {
      await this.#run(session, work, signal)
    } catch (error) {
      // After an abort nobody waits for this step any more.
      if (!signal.aborted) this.#components.onError(session, error)
    }
    session.isRunning = false
    this.#components.onSettled(session)
    this.schedule(session)
  }

  async #run(session: HostedSession, work: Work, signal: AbortSignal): Promise<void> {
    const { stage, clock } = this.#components
    const startedMs = clock.now()
    const frame = this.#nextFrame(session, work)
    const { cache, sampler } = session
    const { start, end } = session.stage
    const { position, nTokens, sample } = work
    const request: StepRequest = { cache, range: { start, end }, position, nTokens }
    if (work.ids !== null) request.ids = work.ids
    if (work.input !== null) request.input = work.input
    if (frame !== null) request.output = frame.payload
    if (sample && sampler !== null) request.sampler = sampler
    const result = await stage.step(request, signal)
    this.reads.count(request.range)
    if (signal.aborted) return
    session.count(work, startedMs, result.computeUs)
    session.lastMs = clock.now()
    if (frame !== null) frame.send()
    else this.#finishPositions(session, work, result)
  }

  /** Room for what this step gives to the next stage; null at the last stage. */
  #nextFrame(session: HostedSession, work: Work): ActivationFrame | null {
    const { stage } = this.#components
    if (session.next === null) return null
    const hop = this.#hopTo(session, session.next)
    const { position, nTokens, sample } = work
    const { session: id, epoch } = session.open
    const header = { session: id, epoch, position, nTokens, dim: stage.dim, sample }
    // Refused here, it costs this session; sent, it would cost all that go to this peer.
    const frameBytes = ACTIVATION_HEADER_BYTES + activationBytes(header)
    if (hop.backlogBytes + frameBytes > HOP_BACKLOG_BYTES_MAX - MESSAGE_BYTES_MAX) {
      const backlog = formatSize(hop.backlogBytes)
      const text = `${shortId(session.next)} takes activations too slowly, ${backlog} wait for it`
      throw new SwarmError('PEER_BUSY', text)
    }
    return hop.allocate(header)
  }

  /** The last stage's part: positions have passed every layer. */
  #finishPositions(session: HostedSession, work: Work, { token }: StepResult): void {
    const { hops, clock, toOrigin } = this.#components
    const { session: id, epoch, stopIds, positionEnd } = session.open
    const position = work.position + work.nTokens
    if (!work.sample) {
      return toOrigin(session, { type: 'progress', session: id, epoch, position })
    }
    if (token === null) {
      throw new SwarmError('NATIVE_FAILED', 'the stage sampled no token where one was asked for')
    }
    const isFull = position + 1 >= positionEnd
    const finish = stopIds.includes(token.id) ? 'stop' : isFull ? 'length' : 'none'
    const message = { type: 'token', session: id, epoch, position, finish, ...token } as const
    // The first stage before the origin, because the next token waits for it. One message serves both
    // when they are the same peer, and none is needed when the first stage is this one.
    const { first, origin } = session
    if (first !== hops.self && first !== origin) this.#hopTo(session, first).send(message)
    toOrigin(session, message)
    if (first === hops.self && finish === 'none' && session.ending === null) {
      session.continueWith(token.id, position, clock.now())
    }
  }

  /** @throws PEER_GONE naming the stage, because the origin may still reach it and see no fault. */
  #hopTo(session: HostedSession, peer: PeerId): Hop {
    try {
      return this.#components.hops.to(peer)
    } catch {
      throw goneError(peer, session.open.route)
    }
  }
}
