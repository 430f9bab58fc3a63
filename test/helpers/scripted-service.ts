// A SwarmService that follows a script: the real server and client run on it without a network or a
// model. Its default generation echoes the prompt word by word, so that every byte of a request that
// matters shows in the answer. Not a model of how a peer behaves under faults.

import { createHash } from 'node:crypto'
import { SwarmError } from '../../src/base/errors.ts'
import type { PeerId } from '../../src/wire/ids.ts'
import { MemoryKnowledge } from './memory-knowledge.ts'
import type { TopSnapshot } from '../../src/wire/top.ts'
import { threePeers } from './top-states.ts'
import type {
  GateEdit,
  GateStatus,
  GenerateEvent,
  GenerateRequest,
  GenerateResult,
  InviteStatus,
  KnowledgeService,
  NodeEvent,
  NodeStatus,
  PeerStatus,
  PlanStatus,
  SessionStatus,
  SavedPrefix,
  SessionReport,
  SwarmService
} from '../../src/api/service.ts'

export type Script = (
  request: GenerateRequest,
  signal: AbortSignal
) => AsyncGenerator<GenerateEvent, void>

export const PEER_A = 'a'.repeat(64) as PeerId
export const PEER_B = 'b'.repeat(64) as PeerId

const SESSION = 'f'.repeat(32)
const STAGES = [
  { peer: PEER_A, start: 0, end: 3 },
  { peer: PEER_B, start: 3, end: 5 }
]

export class ScriptedService implements SwarmService {
  script: Script = echo
  readonly requests: GenerateRequest[] = []
  readonly signals: AbortSignal[] = []
  readonly gateEdits: GateEdit[] = []
  readonly closedSessions: string[] = []
  readonly attached: string[] = []
  known: SessionStatus[] = []
  memory: KnowledgeService | null = new MemoryKnowledge()
  stops = 0
  onStop: () => void = () => {}
  upcoming: NodeEvent[] = []
  overrides: Partial<NodeStatus> = {}
  planOverrides: Partial<PlanStatus> = {}
  morePeers: PeerStatus[] = []
  reports: SessionReport[] = [threePeers().generation as SessionReport]
  readonly whatIf: string[] = []

  status(): NodeStatus {
    return {
      key: PEER_A,
      name: 'atlas',
      pid: process.pid,
      version: '0.1.0',
      arithmeticVersion: 1,
      topic: 'home',
      reach: 'this local network',
      upMs: 65_000,
      dataDir: '/data',
      model: {
        id: 'c'.repeat(64),
        name: 'tiny.gguf',
        path: '/models/tiny.gguf',
        nLayers: 5,
        isSentinel: false
      },
      held: [{ start: 0, end: 3 }],
      standby: [],
      onDisk: [],
      weightBytes: 1_048_576,
      kvBytes: 262_144,
      peers: 2,
      sessions: 0,
      port: 48_629,
      http: null,
      dht: 'none',
      troubles: [],
      ...this.overrides
    }
  }

  peers(): PeerStatus[] {
    const common = {
      state: 'alive' as const,
      model: 'tiny.gguf',
      loading: null,
      pin: null,
      memoryBytes: 2 ** 30,
      weightBytesPerSecond: 20e9,
      kernels: 'avx2',
      version: '0.1.0',
      arithmeticVersion: 1
    }
    return [
      {
        ...common,
        key: PEER_A,
        name: 'atlas',
        self: true,
        held: [{ start: 0, end: 3 }],
        standby: [],
        rttMs: null,
        lane: 'self',
        host: null,
        clockSkewMs: null
      },
      {
        ...common,
        key: PEER_B,
        name: 'bo\u001b[31mron',
        self: false,
        held: [{ start: 3, end: 5 }],
        standby: [],
        rttMs: 0.214,
        lane: 'tcp',
        host: '10.0.0.2',
        clockSkewMs: -12
      },
      ...this.morePeers
    ]
  }

  plan(): PlanStatus {
    return {
      stages: STAGES,
      standbys: [],
      streamed: [],
      predicted: {
        tokensPerSecond: 17.24,
        tokenMs: 58,
        perStageMs: [30, 27.5],
        hopMs: 0.5,
        firstTokenMs: 1250,
        promptTokens: 512,
        boundMs: 58,
        pooledTokensPerSecond: 33.3
      },
      hash: 'd'.repeat(64),
      viewHash: 'e'.repeat(64),
      leftOut: [],
      gap: [],
      reserve: { contextTokens: 4096, sessions: 1 },
      ready: true,
      ...this.planOverrides
    }
  }

  planIf(whatIf: readonly string[]): PlanStatus {
    this.whatIf.push(...whatIf)
    const added = [{ key: 'f'.repeat(64), name: 'new 24 GiB' }]
    const [first, second] = STAGES as [(typeof STAGES)[0], (typeof STAGES)[0]]
    const stages = [first, { ...second, peer: added[0]!.key as typeof first.peer }]
    const plan = this.plan()
    const predicted = plan.predicted && { ...plan.predicted, tokensPerSecond: 25, tokenMs: 40 }
    return { ...plan, stages, predicted, added, ready: false }
  }

  top(): TopSnapshot {
    return threePeers()
  }

  generate(request: GenerateRequest, signal: AbortSignal): AsyncIterable<GenerateEvent> {
    this.requests.push(request)
    this.signals.push(signal)
    return this.script(request, signal)
  }

  sessions(): Promise<SessionStatus[]> {
    return Promise.resolve(this.known)
  }

  attach(session: string, signal: AbortSignal): AsyncIterable<GenerateEvent> {
    this.attached.push(session)
    return this.generate({ prompt: 'the rest', sampling: {}, stop: [], kvType: 'f16' }, signal)
  }

  explain(): readonly SessionReport[] {
    return this.reports
  }

  invite(): InviteStatus {
    return { invite: 'swarm1yy', topic: 'home', reach: 'this local network' }
  }

  gate(): GateStatus {
    return { onlyAllowed: false, allowed: [], revoked: [] }
  }

  editGate(edit: GateEdit): GateStatus {
    this.gateEdits.push(edit)
    return { onlyAllowed: edit.action === 'allow', allowed: edit.keys, revoked: [] }
  }

  saveSession(session: string): Promise<SavedPrefix> {
    if (session !== SESSION) throw new SwarmError('STAGE_UNKNOWN_SESSION', 'it is not kept')
    return Promise.resolve({
      name: '1'.repeat(32),
      modelId: 'c'.repeat(64),
      arithmeticVersion: 1,
      kvType: 'f16',
      ids: [1, 2, 3],
      stages: [
        { ...STAGES[0], tokens: 3, text: '' },
        { ...STAGES[1], tokens: 0, text: 'the disk is full' }
      ] as SavedPrefix['stages']
    })
  }

  closeSession(session: string): void {
    this.closedSessions.push(session)
  }

  knowledge(): KnowledgeService | null {
    return this.memory
  }

  async *events(signal: AbortSignal): AsyncGenerator<NodeEvent> {
    for (const event of this.upcoming) yield event
    await aborted(signal)
  }

  stop(): void {
    this.stops++
    this.onStop()
  }
}

/** Answers with the words of the prompt, or of the last message, up to `maxTokens` of them. */
export async function* echo(
  request: GenerateRequest,
  signal: AbortSignal
): AsyncGenerator<GenerateEvent, void> {
  const text = request.prompt ?? request.messages?.at(-1)?.content ?? ''
  const words = text.split(/(?<= )/).slice(0, request.maxTokens)
  const seed = request.sampling.seed ?? 42
  yield {
    type: 'route',
    session: SESSION,
    stages: STAGES,
    promptTokens: text.length,
    cachedTokens: request.session === undefined ? 0 : 3,
    seed
  }
  yield { type: 'prefill', done: text.length, total: text.length }
  const ids: number[] = []
  for (const word of words) {
    signal.throwIfAborted()
    ids.push(word.length)
    yield { type: 'text', text: word, ids: [word.length] }
  }
  yield { type: 'done', result: resultOf(request, words.join(''), ids, seed) }
}

export function resultOf(
  request: GenerateRequest,
  text: string,
  ids: number[],
  seed: number
): GenerateResult {
  const prompt = request.prompt ?? request.messages?.at(-1)?.content ?? ''
  const all = (request.messages ?? []).map((message) => message.content).join('')
  return {
    model: 'tiny.gguf',
    promptIds: [...prompt].map((c) => c.codePointAt(0) as number),
    ids,
    text,
    seed,
    finishReason:
      request.maxTokens !== undefined && ids.length >= request.maxTokens ? 'length' : 'stop',
    logitsHash: createHash('sha256')
      .update(`${prompt}${all}${text}${seed}`)
      .digest('hex')
      .slice(0, 16),
    arithmeticVersion: 1,
    stages: STAGES,
    timing: {
      prefillMs: 10,
      decodeMs: 100,
      tokensPerSecond: ids.length / 0.1,
      perHop: STAGES.map((stage) => ({ ...stage, computeMs: 40, queueMs: 5, wireMs: 5 })),
      losses: []
    },
    ...(request.keep ? { session: 'f'.repeat(32) } : {})
  }
}

/** A generation that says one word and then waits for the abort. */
export async function* endless(
  _request: GenerateRequest,
  signal: AbortSignal
): AsyncGenerator<GenerateEvent, void> {
  yield {
    type: 'route',
    session: SESSION,
    stages: STAGES,
    promptTokens: 1,
    cachedTokens: 0,
    seed: 42
  }
  yield { type: 'text', text: 'on ', ids: [1] }
  await aborted(signal)
  throw signal.reason
}

/** A generation that fails before (`after` 0) or after some words. */
export function failing(error: unknown, after: number): Script {
  return async function* () {
    if (after > 0) {
      const route = { stages: STAGES, promptTokens: 1, cachedTokens: 0, seed: 42 }
      yield { type: 'route', session: SESSION, ...route }
    }
    for (let i = 0; i < after; i++) yield { type: 'text', text: `w${i} `, ids: [i] }
    throw error
  }
}

export const stageFull = new SwarmError('STAGE_FULL', 'every stage is busy; try again in a moment')

export function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })
}
