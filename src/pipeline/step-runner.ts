// Flow A, the data plane of a stage: takes the sessions whose step is due, runs them as one, and sends
// what comes out where each route says: an activation to the next stage, a token to the first stage and
// to the origin, and to a new next stage again what the one before it had. What goes wrong in one
// session's part touches no other. Owns the order of steps among sessions (scheduler.ts); which frames are
// due is hosted-session.ts, and what happens to a session whose part failed is the stage host's business.

import { SwarmError } from '../base/errors.ts'
import { CHUNK_TOKENS_MAX, HOP_BACKLOG_BYTES_MAX, MESSAGE_BYTES_MAX } from '../base/limits.ts'
import { formatSize } from '../base/text.ts'
import { PREFILL_CHUNK_TOKENS } from '../sharding/chunks.ts'
import { shortId, type PeerId } from '../wire/ids.ts'
import {
  ACTIVATION_HEADER_BYTES,
  COMPANY_MAX,
  activationBytes,
  rowsBytes,
  writeDraft
} from '../wire/session-codec.ts'
import { LayerReads } from './layer-reads.ts'
import { goneError } from './route.ts'
import { Scheduler } from './scheduler.ts'
import { Solitude } from './solitude.ts'
import { countStep } from './stage-stats.ts'
import { firmEnd } from './work.ts'

import type { Clock } from '../base/clock.ts'
import type { Stage, StepOutcome, StepPart, StepRequest, StepResult } from '../compute/stage.ts'
import type { ReplayMessage, WarmMessage } from '../wire/refill.ts'
import type { ActivationFrame, Hop, Hops } from './hop.ts'
import type { OriginMessage } from './host-messages.ts'
import type { HostedSession } from './hosted-session.ts'
import type { Work } from './work.ts'

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

/** One session's part of a step, with where its output goes. */
interface DuePart extends StepPart {
  session: HostedSession
  work: Work
  /** Null where the positions end here. */
  frame: ActivationFrame | null
  signal: AbortSignal
}

export class StepRunner {
  readonly #components: StepRunnerComponents
  readonly #scheduler: Scheduler<HostedSession>
  /** Frames that a step has begun to fill, and a later one sends. */
  readonly #begun = new WeakMap<HostedSession, ActivationFrame>()
  readonly #solitude = new Solitude<HostedSession>()
  /** Steps that have run, for whoever shows what this machine does. */
  readonly reads: LayerReads

  constructor(components: StepRunnerComponents) {
    this.#components = components
    const { stage, clock } = components
    this.#scheduler = new Scheduler<HostedSession>({
      run: (sessions, promptTokens) => this.#step(sessions, promptTokens),
      tokensOf: (session) => session.nextWork()?.nTokens ?? 0,
      groupOf: ({ stage: { start, end } }) => `${start} ${end}`,
      wayOf: (session) => ({
        index: session.open.index,
        nStages: session.open.route.length,
        company: session.nextWork()?.company ?? 0
      }),
      // What is read from disk is read once for as many as there are.
      chunkTokens: () => (stage.onDisk.length > 0 ? CHUNK_TOKENS_MAX : PREFILL_CHUNK_TOKENS),
      clock
    })
    this.reads = new LayerReads(stage.nLayers)
  }

  /** Lets a session wait for its turn if it has work and does not wait or run already. */
  schedule(session: HostedSession): void {
    const work = session.nextWork()
    const isBusy = session.isWaiting || session.isRunning || session.ending !== null
    if (work === null || isBusy) return
    session.isWaiting = true
    this.#scheduler.push(session, work.kind)
  }

  /** Gives the next stage what it, or one before it, was given already. @throws PEER_GONE, PEER_BUSY */
  replay(session: HostedSession, message: ReplayMessage): void {
    this.#give(session, this.#hopTo(session, session.next as PeerId), nextOf(session), message)
  }

  /** Gives it to a peer that warms up to take over from the next stage. @throws PEER_NO_LINK, PEER_BUSY */
  warm(session: HostedSession, message: WarmMessage): void {
    const { to, toEpoch, toIndex } = message
    const hop = this.#components.hops.to(to)
    this.#give(session, hop, { epoch: toEpoch, index: toIndex }, message)
  }

  /** @param position of outputs that are kept. */
  #give(session: HostedSession, hop: Hop, heir: Heir, { position, end, stop }: Span): void {
    const nTokens = end - position
    const work = { position, nTokens, draft: null, sample: false, stop, company: 0 }
    const frame = this.#frameOn(hop, session, heir, work)
    session.kept?.read(position, end, frame.payload)
    session.lastMs = this.#components.clock.now()
    frame.send()
  }

  remove(session: HostedSession): void {
    this.#solitude.ended(session)
    this.#scheduler.remove(session)
  }

  async #step(sessions: HostedSession[], promptTokens: number): Promise<void> {
    const { stage } = this.#components
    // Prompts keep no company: nobody waits for them.
    const leaving = new Map<PeerId | null, number>()
    for (const session of sessions) {
      if (!isToken(session)) continue
      leaving.set(session.next, (leaving.get(session.next) ?? 0) + 1)
    }
    const due = sessions.flatMap((session) => {
      const company = isToken(session) ? (leaving.get(session.next) ?? 1) - 1 : 0
      return this.#prepare(session, promptTokens, Math.min(company, COMPANY_MAX)) ?? []
    })
    let outcomes: StepOutcome[] = []
    try {
      const isAlone = this.#solitude.begins(sessions, this.#components.clock.now())
      if (due.length > 0) outcomes = await stage.stepTogether(due, { isAlone })
    } catch (error) {
      outcomes = due.map(() => ({ error: error as Error }))
    }
    for (const [i, part] of due.entries()) {
      this.#finish(part, outcomes[i] as StepOutcome)
    }
    const [range] = due.map(({ request }) => request.range)
    if (range && outcomes.some((outcome) => 'result' in outcome)) this.reads.count(range)
    for (const session of sessions) {
      // Without work it took no part, and may have been freed meanwhile.
      if (!session.isRunning) continue
      session.isRunning = false
      this.#components.onSettled(session)
      this.schedule(session)
    }
  }

  /** A session's part of the step that begins; null when it has none. */
  #prepare(session: HostedSession, promptTokens: number, company: number): DuePart | null {
    session.isWaiting = false
    const work = session.takeWork(promptTokens)
    if (work === null) return null
    const { stage } = this.#components
    const signal = session.beginStep()
    try {
      session.dropReplaced(work)
      const frame = this.#frameOf(session, work, company)
      const { cache, sampler, kept } = session
      const { start, end } = session.stage
      const { position, nTokens, draft, sample, before, after } = work
      const request: StepRequest = { cache, range: { start, end }, position, nTokens }
      const { dim } = stage
      const outputBytes = rowsBytes({ nTokens, dim })
      const fromBytes = rowsBytes({ nTokens: before, dim })
      if (work.ids !== null) request.ids = work.ids
      if (work.input !== null) request.input = work.input
      if (frame !== null) {
        request.output = frame.payload.subarray(fromBytes, fromBytes + outputBytes)
      } else if (kept !== null) request.output = new Uint8Array(outputBytes)
      if (sample && after === 0 && sampler !== null) request.sampler = sampler
      if (draft !== null) request.draft = draft
      return { session, work, frame, request, signal }
    } catch (error) {
      this.#components.onError(session, error)
      return null
    }
  }

  #finish({ session, work, frame, request, signal }: DuePart, outcome: StepOutcome): void {
    // After an abort nobody waits for this step any more.
    if (signal.aborted) return
    try {
      if ('error' in outcome) {
        const { error } = outcome
        const isNotFinite = error instanceof SwarmError && error.code === 'STAGE_NOT_FINITE'
        // Plain decoding would not have met what a wrong guess leads to.
        if (isNotFinite && work.draft !== null) return session.retryWithoutDraft(work)
        throw error
      }
      const { computeUs } = outcome.result
      session.lastMs = this.#components.clock.now()
      // What a step waited for its turn, and what handing it to a thread and back took, are told as one:
      // inside the stage, and not computing. So what is left between stages is the wire alone.
      const startedMs = session.lastMs - computeUs / 1000
      countStep(session.stats, work, { startedMs, computeUs })
      if (request.output) session.kept?.put(work.position, request.output)
      const { position, nTokens } = work
      session.trail?.put(position, nTokens, inputOf(work), request.output ?? null)
      if (work.after > 0) {
        // The rest of a chunk has not waited while what was before it was computed.
        const rest = session.nextWork()
        if (rest !== null) rest.arrivedMs = session.lastMs
        return
      }
      this.#begun.delete(session)
      if (frame !== null) frame.send()
      else this.#finishPositions(session, work, outcome.result)
    } catch (error) {
      this.#components.onError(session, error)
    }
  }

  /** Where the outputs of a step go: of several steps of one chunk into one frame; null: they end here. */
  #frameOf(session: HostedSession, work: Work, company: number): ActivationFrame | null {
    const { next } = session
    if (work.stop === session.open.index || next === null) return null
    const begun = this.#begun.get(session)
    if (work.before > 0 && begun !== undefined) return begun
    const whole = { ...work, nTokens: work.nTokens + work.after, company }
    const frame = this.#frameOn(this.#hopTo(session, next), session, nextOf(session), whole)
    this.#begun.set(session, frame)
    return frame
  }

  /** Room for what a session gives to a stage. @throws PEER_BUSY */
  #frameOn(
    hop: Hop,
    session: HostedSession,
    { epoch, index }: Heir,
    work: Pick<Work, 'position' | 'nTokens' | 'draft' | 'sample' | 'stop' | 'company'>
  ): ActivationFrame {
    const { dim } = this.#components.stage
    const { position, nTokens, draft, sample, stop, company } = work
    const drafted = draft !== null
    const way = { session: session.open.session, epoch, index, stop }
    const header = { ...way, position, nTokens, dim, sample, drafted, company }
    // Refused here, it costs this session; sent, it would cost all that go to this peer.
    const frameBytes = ACTIVATION_HEADER_BYTES + activationBytes(header)
    if (hop.backlogBytes + frameBytes > HOP_BACKLOG_BYTES_MAX - MESSAGE_BYTES_MAX) {
      const backlog = formatSize(hop.backlogBytes)
      const text = `${shortId(hop.peer)} takes activations too slowly, ${backlog} wait for it`
      throw new SwarmError('PEER_BUSY', text)
    }
    const frame = hop.allocate(header)
    if (draft !== null) writeDraft(header, draft, frame.payload)
    return frame
  }

  /** Positions have passed every layer that they were for. */
  #finishPositions(session: HostedSession, work: Work, { tokens }: StepResult): void {
    const { clock, toOrigin } = this.#components
    const { session: id, epoch, index, stopIds, positionEnd } = session.open
    if (!work.sample) {
      const position = work.position + work.nTokens
      return toOrigin(session, { type: 'progress', session: id, epoch, index, position })
    }
    const last = tokens.at(-1)
    if (last === undefined) {
      throw new SwarmError('NATIVE_FAILED', 'the stage sampled no token where one was asked for')
    }
    const position = firmEnd(work)
    const isFull = position + tokens.length >= positionEnd
    const finish = stopIds.includes(last.id) ? 'stop' : isFull ? 'length' : 'none'
    const message = { type: 'token', session: id, epoch, position, finish, tokens } as const
    if (finish !== 'none') this.#scheduler.ended(session)
    // The first stage before the origin, because the next token waits for it. One message serves both
    // when they are the same peer, and none is needed when the first stage is this one.
    const { first, origin } = session
    if (!session.isFirst && first !== origin) this.#hopTo(session, first).send(message)
    toOrigin(session, message)
    if (session.isFirst && finish === 'none' && session.ending === null) {
      session.continueWith(tokens, position, clock.now())
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

type Span = Pick<ReplayMessage, 'position' | 'end' | 'stop'>

/** As which stage of which epoch a peer takes what comes. */
interface Heir {
  epoch: number
  index: number
}

function nextOf({ open: { epoch, index } }: HostedSession): Heir {
  return { epoch, index: index + 1 }
}

/** The rows that a step took in, as bytes. */
function inputOf({ ids, input }: Work): Uint8Array {
  return ids === null
    ? (input as Uint8Array)
    : new Uint8Array(ids.buffer, ids.byteOffset, ids.byteLength)
}

function isToken(session: HostedSession): boolean {
  return session.nextWork()?.kind === 'decode'
}
