// What the API asks of a running peer, answered from its parts (api/service.ts declares the questions).
// Owns waiting for layers that are being loaded, in words; knows nothing of how the parts came to be.

import { hostname } from 'node:os'

import { sleep, systemClock } from '../base/clock.ts'
import { SwarmError } from '../base/errors.ts'
import { ARITHMETIC_VERSION } from '../compute/arithmetic.ts'
import { computePlan } from '../sharding/plan.ts'
import { changeView, parseChange } from '../sharding/what-if.ts'
import { inviteTo } from '../peer/gate/invite.ts'
import { describeModel } from './one-model.ts'
import { knownSessions } from './known-sessions.ts'
import { nameOf } from './neighbours.ts'
import { gateText } from './sentences.ts'
import { layersOf } from '../model/layer-part.ts'
import { subtract } from '../model/layer-range.ts'
import { peerStatus, planStatus } from './status-views.ts'
import { TopSource } from './top-source.ts'

import type {
  GenerateEvent,
  GenerateRequest,
  InviteStatus,
  KnowledgeService,
  NodeEvent,
  NodeStatus,
  PeerStatus,
  PlanStatus,
  SessionStatus,
  SessionReport,
  SwarmService
} from '../api/service.ts'
import type { GenerateResult, SavedPrefix } from '../wire/generation.ts'
import type { GateEdit, GateStatus } from '../wire/gate.ts'
import type { SessionId } from '../wire/ids.ts'
import type { TopSnapshot } from '../wire/top.ts'
import type { Gate } from '../peer/gate/gate.ts'
import type { NodeParts } from './node-parts.ts'

/** How long a question waits for layers that are being loaded, and how often it looks. */
const READY_WAIT_MS = 120_000
const READY_LOOK_MS = 100
/** How long a gap may last before it is the answer: a peer that starts again is back by then. */
const GAP_WAIT_MS = 3_000

export class NodeService implements SwarmService {
  readonly #parts: NodeParts
  readonly #stop: () => void
  readonly #top: TopSource

  /** @param stop begins an orderly shutdown and returns at once. */
  constructor(parts: NodeParts, stop: () => void) {
    this.#parts = parts
    this.#stop = stop
    this.#top = new TopSource(parts)
  }

  status(): NodeStatus {
    const { dataDir, programVersion } = this.#parts.options
    const model = this.#parts.model
    const { held, own } = this.#parts.serving?.keeper.holding ?? { held: [], own: [] }
    return {
      key: this.#parts.identity?.id ?? '',
      name: hostname(),
      pid: process.pid,
      version: programVersion,
      arithmeticVersion: ARITHMETIC_VERSION,
      topic: this.#parts.topic.name,
      reach: this.#parts.topic.sentence,
      upMs: Math.round(systemClock.now() - this.#parts.openedMs),
      dataDir,
      model: model && {
        id: model.id,
        name: model.name,
        path: model.path,
        nLayers: model.hyper.nLayers,
        isSentinel: model.isSentinel
      },
      held: [...held],
      standby: subtract(held, own),
      onDisk: layersOf(this.#parts.serving?.stage.onDisk ?? []),
      weightBytes: this.#parts.serving?.stage.weightBytes ?? 0,
      kvBytes: this.#parts.serving?.stage.kvBytes ?? 0,
      peers: this.#parts.network?.links().length ?? 0,
      sessions: (this.#parts.pipeline?.sessions ?? 0) + (this.#parts.serving?.host.sessions ?? 0),
      port: this.#parts.network?.port ?? 0,
      http: this.#parts.api?.address ?? null,
      dht: this.#parts.topic.dht,
      troubles: this.#parts.hub.troubles
    }
  }

  peers(): PeerStatus[] {
    const network = this.#parts.network
    if (network === null || this.#parts.identity === null) return []
    const { id } = this.#parts.identity
    const links = new Map(network.links().map((link) => [link.peer, link]))
    return network.directory.peers().map((peer) => peerStatus(peer, id, links))
  }

  plan(): PlanStatus {
    return planStatus(this.#parts.watch?.plan ?? null, this.#parts.watch?.readiness() ?? null)
  }

  planIf(whatIf: readonly string[]): PlanStatus {
    const { network, watch } = this.#parts
    const changes = whatIf.map(parseChange)
    const view = watch?.view() ?? null
    if (network === null || view === null) throw this.#noModel()
    const named = view.peers.map(({ key }) => ({ key, name: nameOf(network, key) }))
    const { view: changed, added } = changeView(view, changes, named)
    return { ...planStatus(computePlan(changed), null), added }
  }

  async *generate(
    request: GenerateRequest,
    signal: AbortSignal
  ): AsyncGenerator<GenerateEvent, void> {
    if (this.#parts.generator === null) {
      throw this.#noModel()
    }
    yield* this.#untilReady(signal)
    for await (const event of this.#top.follow(this.#parts.generator.generate(request, signal))) {
      if (event.type === 'done') this.#note(event.result)
      if (event.type === 'audit' && event.guilty.length > 0) {
        this.#parts.hub.emit('refused', event.text, { peers: event.guilty })
      }
      yield event
    }
  }

  /** What an answer showed of the machines that it came through is told to the others. */
  #note(result: GenerateResult): void {
    const { profile, watch } = this.#parts
    if (watch !== null) profile?.note(watch.view(), result)
  }

  async sessions(): Promise<SessionStatus[]> {
    const { network, pipeline, model } = this.#parts
    if (network === null || pipeline === null) return []
    const modelNameOf = (id: string) => (id === model?.id ? model.name : id.slice(0, 8))
    return await knownSessions(network, pipeline, modelNameOf)
  }

  async *attach(session: string, signal: AbortSignal): AsyncGenerator<GenerateEvent, void> {
    const { generator } = this.#parts
    if (generator === null) throw this.#noModel()
    yield* this.#top.follow(generator.attach(session as SessionId, signal))
  }

  #noModel(): SwarmError {
    const { options, droppedFor } = this.#parts
    if (options.model !== null && droppedFor === null)
      return new SwarmError(
        'PEER_BUSY',
        'this peer is still reading its model file; ask again in a moment'
      )
    const served = droppedFor === null ? '' : `; the topic serves ${describeModel(droppedFor)}`
    return new SwarmError(
      'MODEL_NOT_GIVEN',
      `this peer has no model file, so it cannot make tokens of the question${served}; ` +
        'start it with: swarm join TOPIC --model FILE'
    )
  }

  top(): TopSnapshot {
    return this.#top.snapshot(this.status(), this.peers())
  }

  /** Waits while layers are being loaded, saying so. @throws PLAN_GAP */
  async *#untilReady(signal: AbortSignal): AsyncGenerator<GenerateEvent, void> {
    const untilMs = systemClock.now() + READY_WAIT_MS
    let told = ''
    let gapMs: number | null = null
    for (;;) {
      const ready = this.#parts.watch?.readiness() ?? null
      if (ready?.state === 'ready') return
      const reason = ready?.text ?? 'this peer has just joined and is making its first plan'
      const nowMs = systemClock.now()
      gapMs = ready?.state === 'gap' ? (gapMs ?? nowMs) : null
      const isGap = gapMs !== null && nowMs - gapMs >= GAP_WAIT_MS
      if (isGap || nowMs >= untilMs || this.#parts.isClosing)
        throw new SwarmError('PLAN_GAP', reason)
      if (reason !== told) yield { type: 'queued', reason }
      told = reason
      await sleep(systemClock, READY_LOOK_MS, signal)
    }
  }

  explain(): readonly SessionReport[] {
    return this.#parts.history.reports
  }

  invite(): InviteStatus {
    const { topic, options } = this.#parts
    const { name, sentence } = topic
    return { invite: inviteTo(topic, options.bootstrap), topic: name, reach: sentence }
  }

  gate(): GateStatus {
    return this.#gate().status
  }

  editGate(edit: GateEdit): GateStatus {
    const gate = this.#gate()
    const { network, identity, hub } = this.#parts
    if (edit.action === 'revoke' && edit.keys.some((key) => identity?.id.startsWith(key))) {
      const text = 'this is the key of this very peer; revoke it on the other machines'
      throw new SwarmError('USAGE_BAD_VALUE', text, { param: 'key' })
    }
    const known = network?.directory.peers().map(({ record }) => record.key) ?? []
    try {
      gate.edit(edit, known)
    } finally {
      network?.recheck()
    }
    hub.emit('gate', gateText(gate.status))
    return gate.status
  }

  #gate(): Gate {
    const { gate } = this.#parts
    if (gate !== null) return gate
    throw new SwarmError('PEER_BUSY', 'this peer is just starting; ask again in a moment')
  }

  knowledge(): KnowledgeService | null {
    return this.#parts.knowledge
  }

  closeSession(session: string): void {
    this.#parts.generator?.closeSession(session)
  }

  async saveSession(session: string): Promise<SavedPrefix> {
    if (this.#parts.generator === null) throw this.#noModel()
    return this.#parts.generator.saveSession(session)
  }

  events(signal: AbortSignal): AsyncIterable<NodeEvent> {
    return this.#parts.hub.subscribe(signal)
  }

  stop(): void {
    this.#stop()
  }
}
