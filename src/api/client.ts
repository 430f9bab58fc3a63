// The other end of the control socket, for the command line and the dashboard: typed calls to a running
// peer. Owns the mapping back from HTTP to SwarmError, so that a command fails as if it ran inside the
// peer. Knows no routes but /swarm/ and /mesh/ and no folder but base, wire and this one.

import { request, type IncomingMessage } from 'node:http'
import type { Clock } from '../base/clock.ts'
import { isAbort, SwarmError, type ErrorCode, type ErrorFamily } from '../base/errors.ts'
import { API_LINE_BYTES_MAX } from '../base/limits.ts'
import type { GenerateEvent, GenerateRequest, SavedPrefix } from '../wire/generation.ts'
import { NdjsonDecoder } from './ndjson.ts'
import type { GateEdit, GateStatus } from '../wire/gate.ts'
import type {
  Forgotten,
  Hit,
  KnowledgeStatus,
  LearnRequest,
  Learnt,
  QueryRequest
} from '../wire/knowledge.ts'
import type { SessionReport } from '../wire/session-report.ts'
import type { TopSnapshot } from '../wire/top.ts'
import type {
  InviteStatus,
  NodeEvent,
  NodeStatus,
  PeerStatus,
  PlanStatus,
  SessionStatus
} from './service.ts'

export interface ApiClientOptions {
  socketPath: string
  /** Named in the message when no peer runs there. */
  dataDir: string
  clock: Clock
  /** Time for an answer that is no stream; a peer that is stopped or stuck accepts and says nothing. */
  timeoutMs?: number
}

/** A peer answers from what it has in memory: after this it is not going to. */
const ANSWER_TIMEOUT_MS = 10_000

/** Learning also waits for the disk, and after damage to it up to 20 s for the other peers. */
const LEARN_TIMEOUT_MS = 30_000

/** The stages have 45 s to write what they hold. */
const SAVE_TIMEOUT_MS = 60_000

/** Every call throws PEER_NOT_RUNNING when nobody serves the socket, and the peer's own errors else. */
export class ApiClient {
  readonly #socketPath: string
  readonly #dataDir: string
  readonly #clock: Clock
  readonly #timeoutMs: number

  constructor(options: ApiClientOptions) {
    this.#socketPath = options.socketPath
    this.#dataDir = options.dataDir
    this.#clock = options.clock
    this.#timeoutMs = options.timeoutMs ?? ANSWER_TIMEOUT_MS
  }

  async status(signal?: AbortSignal): Promise<NodeStatus> {
    return (await this.#json('GET', '/swarm/status', undefined, signal)) as NodeStatus
  }

  async peers(signal?: AbortSignal): Promise<PeerStatus[]> {
    const body = await this.#json('GET', '/swarm/peers', undefined, signal)
    return (body as { peers: PeerStatus[] }).peers
  }

  async plan(signal?: AbortSignal): Promise<PlanStatus> {
    return (await this.#json('GET', '/swarm/plan', undefined, signal)) as PlanStatus
  }

  /** The plan after changes as --what-if takes them. @throws USAGE_BAD_VALUE */
  async planIf(whatIf: readonly string[], signal?: AbortSignal): Promise<PlanStatus> {
    return (await this.#json('POST', '/swarm/plan', { whatIf }, signal)) as PlanStatus
  }

  /** What the last answers cost that were asked of this peer, oldest first. */
  async explain(signal?: AbortSignal): Promise<SessionReport[]> {
    const body = await this.#json('GET', '/swarm/explain', undefined, signal)
    return (body as { sessions: SessionReport[] }).sessions
  }

  async top(signal?: AbortSignal): Promise<TopSnapshot> {
    return (await this.#json('GET', '/mesh/top', undefined, signal)) as TopSnapshot
  }

  /** Ends with a 'done' event or throws. Aborting, or leaving the loop, frees every stage. */
  generate(body: GenerateRequest, signal?: AbortSignal): AsyncGenerator<GenerateEvent> {
    return this.#generation('/swarm/generate', body, signal)
  }

  /** An answer that another peer asked for, from its beginning; as generate. */
  attach(session: string, signal?: AbortSignal): AsyncGenerator<GenerateEvent> {
    return this.#generation('/swarm/attach', { session }, signal)
  }

  async sessions(signal?: AbortSignal): Promise<SessionStatus[]> {
    const body = await this.#json('GET', '/swarm/sessions', undefined, signal)
    return (body as { sessions: SessionStatus[] }).sessions
  }

  async *#generation(
    path: string,
    body: object,
    signal: AbortSignal | undefined
  ): AsyncGenerator<GenerateEvent> {
    for await (const value of this.#lines('POST', path, body, signal)) {
      const event = value as GenerateEvent | { type: 'error'; error: unknown }
      if (event.type === 'error') throw errorOf(event.error)
      yield event
      if (event.type === 'done') return
    }
    throw peerLeft()
  }

  async invite(signal?: AbortSignal): Promise<InviteStatus> {
    return (await this.#json('GET', '/swarm/invite', undefined, signal)) as InviteStatus
  }

  async gate(signal?: AbortSignal): Promise<GateStatus> {
    return (await this.#json('GET', '/swarm/gate', undefined, signal)) as GateStatus
  }

  /** @returns the lists after the edit. */
  async editGate(edit: GateEdit, signal?: AbortSignal): Promise<GateStatus> {
    return (await this.#json('POST', '/swarm/gate', edit, signal)) as GateStatus
  }

  async learn(request: LearnRequest, signal?: AbortSignal): Promise<Learnt> {
    const answer = this.#json('POST', '/mesh/learn', request, signal, LEARN_TIMEOUT_MS)
    return (await answer) as Learnt
  }

  async query(request: QueryRequest, signal?: AbortSignal): Promise<Hit[]> {
    const body = await this.#json('POST', '/mesh/query', request, signal)
    return (body as { hits: Hit[] }).hits
  }

  /** @param id of an entry, or its first 8 digits and more. */
  async forget(id: string, signal?: AbortSignal): Promise<Forgotten> {
    const answer = this.#json('POST', '/mesh/forget', { id }, signal, LEARN_TIMEOUT_MS)
    return (await answer) as Forgotten
  }

  async knowledge(signal?: AbortSignal): Promise<KnowledgeStatus> {
    return (await this.#json('GET', '/mesh/knowledge', undefined, signal)) as KnowledgeStatus
  }

  async closeSession(session: string, signal?: AbortSignal): Promise<void> {
    await this.#json('POST', '/swarm/close-session', { session }, signal)
  }

  /** Has the stages of a kept session store what they hold of it. @throws STAGE_UNKNOWN_SESSION */
  async saveSession(session: string, signal?: AbortSignal): Promise<SavedPrefix> {
    const path = '/swarm/save-session'
    return (await this.#json('POST', path, { session }, signal, SAVE_TIMEOUT_MS)) as SavedPrefix
  }

  /** Events from now on; ends when the peer stops. */
  async *events(signal?: AbortSignal): AsyncGenerator<NodeEvent> {
    yield* this.#lines('GET', '/swarm/events', undefined, signal) as AsyncGenerator<NodeEvent>
  }

  /** Begins an orderly shutdown of the peer and returns when the peer has heard it. */
  async stop(signal?: AbortSignal): Promise<void> {
    await this.#json('POST', '/swarm/stop', undefined, signal)
  }

  async #json(
    method: string,
    path: string,
    body: object | undefined,
    signal: AbortSignal | undefined,
    timeoutMs = this.#timeoutMs
  ): Promise<unknown> {
    const late = new AbortController()
    const timer = this.#clock.after(timeoutMs, () => {
      const text = `the peer of ${this.#dataDir} did not answer within ${timeoutMs} ms`
      late.abort(new SwarmError('PEER_TIMEOUT', `${text}; it may be stopped or stuck`))
    })
    const either = signal ? AbortSignal.any([signal, late.signal]) : late.signal
    try {
      return await readAnswer(await this.#request(method, path, body, either))
    } catch (error) {
      throw either.aborted ? either.reason : error
    } finally {
      timer.cancel()
    }
  }

  async *#lines(
    method: string,
    path: string,
    body: object | undefined,
    signal: AbortSignal | undefined
  ): AsyncGenerator<unknown> {
    const response = await this.#request(method, path, body, signal)
    const decoder = new NdjsonDecoder(API_LINE_BYTES_MAX)
    try {
      for await (const bytes of response) yield* decoder.push(bytes as Buffer)
      decoder.end()
    } catch (error) {
      if (signal?.aborted) throw signal.reason
      throw isSystemError(error) ? peerLeft(error) : error
    } finally {
      response.destroy()
    }
  }

  /** Resolves with a good answer whose body is unread. */
  async #request(
    method: string,
    path: string,
    body: object | undefined,
    signal: AbortSignal | undefined
  ): Promise<IncomingMessage> {
    signal?.throwIfAborted()
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      const bytes = body === undefined ? undefined : Buffer.from(JSON.stringify(body))
      const headers = {
        ...(bytes ? { 'content-type': 'application/json' } : {}),
        'content-length': bytes?.byteLength ?? 0
      }
      const options = { socketPath: this.#socketPath, method, path, headers, agent: false as const }
      const outgoing = request(signal ? { ...options, signal } : options)
      outgoing.once('response', resolve)
      outgoing.once('error', (error: NodeJS.ErrnoException) => reject(this.#errorOf(error, signal)))
      outgoing.end(bytes)
    })
    if ((response.statusCode ?? 500) < 300) return response
    const answer = (await readAnswer(response)) as { error?: unknown }
    throw errorOf(answer.error)
  }

  #errorOf(error: NodeJS.ErrnoException, signal: AbortSignal | undefined): unknown {
    if (signal?.aborted) return signal.reason
    if (isAbort(error)) return error
    if (error.code === 'ENOENT' || error.code === 'ECONNREFUSED') {
      return new SwarmError(
        'PEER_NOT_RUNNING',
        `no peer is running for ${this.#dataDir}; start one with: swarm join <topic>`,
        { cause: error }
      )
    }
    if (error.code === 'EACCES' || error.code === 'EPERM') {
      const text = `the peer of ${this.#dataDir} belongs to another user; its owner alone may use it`
      return new SwarmError('STORE_UNREADABLE', text, { cause: error })
    }
    return peerLeft(error)
  }
}

const FAMILIES: readonly ErrorFamily[] = [
  'USAGE',
  'MODEL',
  'WIRE',
  'PEER',
  'STAGE',
  'PLAN',
  'NATIVE',
  'STORE'
]

/** An error body as the SwarmError it was; a code of a newer peer is kept, its family decides. */
function errorOf(body: unknown): SwarmError {
  const { code, message, param } = (body ?? {}) as Record<string, unknown>
  const text = typeof message === 'string' ? message : 'the peer answered without a reason'
  const known = typeof code === 'string' && FAMILIES.some((family) => code.startsWith(`${family}_`))
  return new SwarmError(
    known ? (code as ErrorCode) : 'PEER_REFUSED',
    text,
    typeof param === 'string' ? { param } : {}
  )
}

async function readAnswer(response: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = []
  let sizeBytes = 0
  try {
    for await (const chunk of response) {
      sizeBytes += (chunk as Buffer).byteLength
      if (sizeBytes > API_LINE_BYTES_MAX) {
        throw new SwarmError('WIRE_TOO_LARGE', 'an answer of the peer is too large to be one')
      }
      chunks.push(chunk as Buffer)
    }
    return JSON.parse(Buffer.concat(chunks).toString())
  } catch (error) {
    if (isAbort(error) || error instanceof SwarmError) throw error
    if (isSystemError(error)) throw peerLeft(error)
    throw new SwarmError('WIRE_BAD_FRAME', 'an answer of the peer is not JSON', { cause: error })
  }
}

function isSystemError(error: unknown): boolean {
  return error instanceof Error && 'code' in error && !(error instanceof SwarmError)
}

function peerLeft(cause?: unknown): SwarmError {
  return new SwarmError(
    'PEER_GONE',
    'the peer ended the connection before its answer; see its own output, then try again',
    { cause }
  )
}
