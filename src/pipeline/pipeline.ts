// Where the two roles of a peer meet the network: the one receiver of its hops, which gives each
// message to the stage host (what we compute) or to the session it belongs to (what we asked). Owns the
// table of the sessions that began here. A message for a session that is over is late, and dropped.

import { SwarmError } from '../base/errors.ts'
import { SESSIONS_MAX } from '../base/limits.ts'
import { sessionArithmetic } from '../compute/arithmetic.ts'
import { evenChunking } from '../sharding/chunking.ts'
import { PREFILL_CHUNK_TOKENS } from '../sharding/chunks.ts'
import { sessionIdOf, type PeerId, type SessionId } from '../wire/ids.ts'
import { chunkTokensMax } from './chunk-flow.ts'
import { Farewells } from './farewells.ts'
import { Inquiries } from './inquiries.ts'
import { Session } from './session.ts'

import type { Clock } from '../base/clock.ts'
import type { Random } from '../base/random.ts'
import type {
  FailedMessage,
  KvType,
  ListedMessage,
  OpenPrefix,
  SessionMessage
} from '../wire/session.ts'
import type { Hops } from './hop.ts'
import type { Route } from './route.ts'
import type { Repair } from './session-types.ts'
import type { StageHost } from './stage-host.ts'

export interface PipelineComponents {
  hops: Hops
  clock: Clock
  random: Random
}

/** What a session needs to know of the model. */
export interface SessionModel {
  /** 64 hex digits. */
  id: string
  arithmeticVersion: number
  dim: number
  vocabSize: number
}

export interface SessionOptions {
  route: Route
  model: SessionModel
  kvType: KvType
  /** Positions to reserve on every stage. */
  contextTokens: number
  /** An earlier session of this peer, on the same route, with the same first ids. */
  prefix?: OpenPrefix | null
  /** This session may become such a one when it is closed. */
  isReusable?: boolean
  /** Its stages can be asked what they computed. */
  isAudited?: boolean
  /** It computes a part of another session's answer again: nobody asked for this one. */
  isCheck?: boolean
  /** Finds another route when a stage is lost in mid-turn; absent: the session ends. */
  repair?: Repair
  /** Of a session that began elsewhere; absent: a new one. */
  id?: SessionId
  /** What a stage gave this peer that had no room; 0 or absent: none did. */
  ticket?: number
}

/** A session that this peer is the origin of. */
export interface OwnSession {
  session: SessionId
  isAnswering: boolean
  modelId: string
  promptTokens: number
  tokens: number
  ageMs: number
}

export class Pipeline {
  readonly #components: PipelineComponents
  /** Asks other members about sessions. */
  readonly inquiries: Inquiries
  readonly #sessions = new Map<SessionId, Session>()
  readonly #farewells: Farewells
  #host: StageHost | null = null

  constructor(components: PipelineComponents) {
    this.#components = components
    this.inquiries = new Inquiries(components.hops, components.clock)
    this.#farewells = new Farewells(components.hops, components.clock)
    components.hops.onMessage((from, message) => this.#dispatch(from, message))
    components.hops.onGone((peer) => this.#gone(peer))
  }

  /** Sessions that began here and are not over. */
  get sessions(): number {
    return this.#sessions.size
  }

  /** This peer. */
  get self(): PeerId {
    return this.#components.hops.self
  }

  /** What began here, or was attached to, and is not over. */
  get ownSessions(): OwnSession[] {
    const nowMs = this.#components.clock.now()
    const asked = [...this.#sessions].filter(([, { isCheck }]) => !isCheck)
    return asked.map(([session, { isAnswering, modelId, lengths, openedMs }]) => {
      return { session, isAnswering, modelId, ...lengths, ageMs: Math.round(nowMs - openedMs) }
    })
  }

  /** From now on this host answers for what is computed here; null: nobody does. */
  serve(host: StageHost | null): void {
    this.#host = host
  }

  /** A session that opens its route with its first turn. @throws PEER_BUSY */
  createSession(options: SessionOptions): Session {
    const { route, model, kvType, contextTokens, prefix = null, isReusable = false } = options
    const { repair = null, isAudited = false, isCheck = false, ticket = 0 } = options
    const { hops, clock, random } = this.#components
    if (this.#sessions.size >= SESSIONS_MAX) {
      const text = `${SESSIONS_MAX} sessions already began here: wait for one to end`
      throw new SwarmError('PEER_BUSY', text)
    }
    const { id = sessionIdOf(random.bytes(16)) } = options
    if (this.#sessions.has(id)) {
      const text =
        'this peer is the origin of that session already: its answer goes on where it was asked'
      throw new SwarmError('PEER_BUSY', text)
    }
    const { chunking = evenChunking(PREFILL_CHUNK_TOKENS), stages } = route
    const most = Math.min(chunking.most, chunkTokensMax(model.dim, stages.length))
    const session: Session = new Session(
      {
        hops,
        clock,
        repair,
        onLeft: (peer) => this.#farewells.owe(peer, session),
        onEnd: () => this.#sessions.delete(id)
      },
      {
        id,
        route,
        modelId: model.id,
        arithmeticVersion: sessionArithmetic(model.arithmeticVersion, kvType),
        vocabSize: model.vocabSize,
        kvType,
        contextTokens,
        chunking: { ...chunking, most },
        prefix,
        isReusable,
        isAudited,
        isCheck,
        isRepairable: repair !== null,
        ticket
      }
    )
    this.#sessions.set(id, session)
    return session
  }

  /** What peers hold, or who is there, has changed: sessions that began here may have to move. */
  reconsider(): void {
    for (const session of this.#sessions.values()) session.reconsider()
  }

  /** Closes every session that began here. */
  async close(): Promise<void> {
    await Promise.all([...this.#sessions.values()].map((session) => session.close()))
    this.#farewells.close()
  }

  #dispatch(from: PeerId, message: SessionMessage): void {
    switch (message.type) {
      case 'open':
        if (this.#host === null) this.#refuse(from, message)
        else this.#host.handle(from, message)
        return
      case 'list':
        if (this.#host === null) this.#tell(from, { type: 'listed', sessions: [] })
        else this.#host.handle(from, message)
        return
      case 'listed':
      case 'recalled':
        return this.inquiries.handle(from, message)
      case 'log':
      case 'recall':
      case 'sampled':
      case 'ids':
      case 'replay':
      case 'audit':
      case 'warm':
      case 'activation':
      case 'close':
      case 'save':
        this.#host?.handle(from, message)
        return
      case 'token':
        // One message serves the first stage and the origin where they are the same peer.
        this.#host?.handle(from, message)
        this.#sessions.get(message.session)?.handle(from, message)
        return
      default:
        this.#sessions.get(message.session)?.handle(from, message)
    }
  }

  #refuse(from: PeerId, { session, epoch }: { session: SessionId; epoch: number }): void {
    const text = 'this peer holds no layers: ask again'
    const code = 'STAGE_NOT_LOADED'
    const none = { peer: null, place: null }
    this.#tell(from, { type: 'failed', session, epoch, ...none, code, text })
  }

  #tell(to: PeerId, message: FailedMessage | ListedMessage): void {
    try {
      this.#components.hops.to(to).send(message)
    } catch {
      // Gone before it could be told: it will notice by itself.
    }
  }

  #gone(peer: PeerId): void {
    this.#host?.gone(peer)
    for (const session of this.#sessions.values()) session.gone(peer)
    this.#farewells.gone(peer)
  }
}
