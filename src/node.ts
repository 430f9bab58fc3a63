// The composition root: a running peer, made of every folder below and known to none of them. Owns the
// order in which the parts begin and end, and who is told of what:
//
//   network --records, links--> plan watch --plan--> layer keeper --held--> network (published)
//   network.hops <-> pipeline <-> stage host -> stage          (flow A)
//   api -> text generator -> pipeline                          (flow B)
//
// Decides nothing itself: plans are sharding's, refusals of a second model one-model.ts's.

import { hostname } from 'node:os'
import { join } from 'node:path'

import { ApiServer } from './api/server.ts'
import { sleep, systemClock } from './base/clock.ts'
import { abortError, SwarmError, toSwarmError } from './base/errors.ts'
import { lockFile, type FileLock } from './base/file-lock.ts'
import { HELD_RANGES_MAX } from './base/limits.ts'
import { systemRandom } from './base/random.ts'
import { clip } from './base/text.ts'
import { loadKernels } from './compute/addon.ts'
import { ARITHMETIC_VERSION } from './compute/arithmetic.ts'
import { checkModelFile, type Model } from './model/open-model.ts'
import { EventHub } from './node/event-hub.ts'
import { leave } from './node/leave.ts'
import { measureMachine } from './node/measure-machine.ts'
import { modelFacts } from './node/model-facts.ts'
import { SharedMemory } from './node/shared-memory.ts'
import { networkNews } from './node/network-news.ts'
import { aimOf } from './node/next-move.ts'
import { OwnProfile } from './node/own-profile.ts'
import { membersToAsk } from './node/known-sessions.ts'
import { presentRecords, nameOf, reachableRecords } from './node/neighbours.ts'
import { PlanWatch } from './node/plan-watch.ts'
import { readModel } from './node/read-model.ts'
import { Rivals } from './node/rivals.ts'
import { routePorts } from './node/route-ports.ts'
import * as sentences from './node/sentences.ts'
import { NodeService } from './node/node-service.ts'
import { beginServing } from './node/serving.ts'
import { SessionHistory } from './node/session-history.ts'
import { textParts } from './node/text-parts.ts'
import { announcedAddresses } from './peer/address.ts'
import { Gate } from './peer/gate/gate.ts'
import { openIdentity } from './peer/identity.ts'
import { PeerNetwork } from './peer/network.ts'
import { openTopic } from './peer/topic.ts'
import { Pipeline } from './pipeline/pipeline.ts'
import { TextGenerator } from './pipeline/text-generator.ts'

import type { Holding } from './node/layer-keeper.ts'
import type { NodeParts } from './node/node-parts.ts'
import type { OwnKnowledge, OwnKnowledgeOptions } from './node/own-knowledge.ts'
import type { NodeOptions, RunningNode } from './node/options.ts'
import type { Identity } from './peer/identity.ts'
import type { NetworkEvent } from './peer/network-options.ts'
import type { Plan } from './sharding/plan.ts'
import type { Machine } from './sharding/probe.ts'
import type { PeerId } from './wire/ids.ts'
import type { Profile } from './wire/record.ts'

export { openLocal } from './node/local-model.ts'
export { readHistory } from './node/session-history.ts'
export { countLayers, runBootstrap } from './node/demo-ports.ts'

/** As openOwnKnowledge of node/own-knowledge.ts, loaded by commands that need it alone. */
export async function openKnowledge(
  options: OwnKnowledgeOptions,
  signal: AbortSignal
): Promise<OwnKnowledge> {
  return await (await import('./node/own-knowledge.ts')).openOwnKnowledge(options, signal)
}

/**
 * How long a model file and the store wait for the first link: reading a header keeps the process busy for a
 * tenth of a second, on a small machine for one, and a link comes up within 100 ms of looking.
 */
const FINDING_MS = 200

/** Starts a peer; it runs until closed. @throws STORE_BUSY, MODEL_*, USAGE_*, NATIVE_*; AbortError. */
export async function startNode(options: NodeOptions, signal: AbortSignal): Promise<RunningNode> {
  const node = new SwarmNode(options)
  try {
    await node.open(signal)
  } catch (error) {
    await node.close()
    throw error
  }
  return { service: node.service, ended: node.ended, close: () => node.close() }
}

class SwarmNode {
  readonly service: NodeService
  readonly ended: Promise<void>
  readonly #parts: NodeParts
  readonly #opening = new AbortController()
  #onLinkUp: () => void = () => {}
  #isMeasuring = true
  readonly #rivals: Rivals
  readonly #memory: SharedMemory
  #settle: { resolve: () => void; reject: (error: unknown) => void } | null = null
  #lock: FileLock | null = null
  #fatal: SwarmError | null = null
  #closing: Promise<void> | null = null

  constructor(options: NodeOptions) {
    this.#parts = {
      options,
      hub: new EventHub(systemClock, options.onEvent),
      topic: openTopic({
        name: options.topic,
        secret: options.secret,
        bootstrap: options.bootstrap.length > 0,
        public: options.public,
        lanOnly: options.lanOnly
      }),
      history: new SessionHistory(options.dataDir, (text) => this.#emit('warning', text)),
      openedMs: systemClock.now(),
      isClosing: false,
      identity: null,
      gate: null,
      api: null,
      model: null,
      droppedFor: null,
      network: null,
      profile: null,
      pipeline: null,
      watch: null,
      generator: null,
      serving: null,
      knowledge: null
    }
    this.#rivals = new Rivals(this.#parts)
    this.#memory = new SharedMemory(this.#parts)
    this.service = new NodeService(this.#parts, () => void this.close())
    this.ended = new Promise((resolve, reject) => (this.#settle = { resolve, reject }))
    // Whoever cares awaits it; until then a fatal error is no unhandled one.
    this.ended.catch(() => {})
  }

  async open(outer: AbortSignal): Promise<void> {
    const { dataDir, socketPath, httpPort, allow, log, model: path } = this.#parts.options
    const signal = AbortSignal.any([outer, this.#opening.signal])
    this.#emit('topic', this.#parts.topic.sentence)
    if (path !== null) await checkModelFile(path)
    this.#lock = lockFile(join(dataDir, 'lock'), `the data directory ${dataDir}`)
    await this.#parts.history.open()
    this.#parts.identity = await openIdentity(dataDir, systemRandom)
    this.#parts.gate = new Gate(dataDir, allow)
    if (this.#parts.gate.isNarrow) this.#emit('gate', sentences.gateText(this.#parts.gate.status))
    this.#parts.api = new ApiServer({
      service: this.service,
      clock: systemClock,
      random: systemRandom,
      log: log.child('api'),
      socketPath,
      ...(httpPort === null ? {} : { httpPort })
    })
    await this.#parts.api.open()
    if (this.#parts.api.address)
      this.#emit('api', `OpenAI-compatible API at ${this.#parts.api.address}/v1`)
    const computes = this.#checkCompute()
    if (path === null) this.#emit('model', sentences.noModelText)
    const network = await this.#openNetwork(this.#parts.identity)
    if (network.links().length === 0) {
      const linked = new Promise<void>((resolve) => (this.#onLinkUp = resolve))
      await Promise.race([linked, sleep(systemClock, FINDING_MS, signal)])
    }
    this.#memory.open()
    if (path !== null) await this.#openModel(path, network, signal)
    signal.throwIfAborted()
    const machine = computes ? await this.#measure(signal) : null
    this.#isMeasuring = false
    signal.throwIfAborted()
    if (this.#parts.model) this.#serve(this.#parts.model, machine)
    if (this.#fatal) throw this.#fatal
  }

  /** @returns whether this machine can compute. @throws NATIVE_* for a fault that must not pass. */
  #checkCompute(): boolean {
    try {
      loadKernels()
      return true
    } catch (error) {
      const { code, message } = toSwarmError(error, 'NATIVE_FAILED')
      if (code !== 'NATIVE_MISSING') throw error
      this.#emit('warning', message)
      return false
    }
  }

  /** Reads the model file and tells the topic of it. */
  async #openModel(path: string, network: PeerNetwork, signal: AbortSignal): Promise<void> {
    const tell = (text: string) => this.#emit('model', text)
    const model = await readModel(path, this.#parts.options, tell, systemClock, signal)
    this.#parts.model = model
    if (model.isSentinel) tell(sentences.sentinelText)
    this.#plan(model, network, this.#parts.pipeline as Pipeline)
    network.publish({ model: { id: model.id, name: model.name, givesWay: model.isSentinel } })
    for (const { peer } of network.links()) this.#compareModels(peer)
  }

  async #openNetwork(identity: Identity): Promise<PeerNetwork> {
    const { bootstrap, peers, programVersion, log } = this.#parts.options
    const name = clip(hostname(), 63)
    const network = new PeerNetwork({
      identity,
      topic: this.#parts.topic,
      gate: this.#parts.gate as Gate,
      bootstrap,
      peers,
      facts: { name, programVersion, arithmeticVersion: ARITHMETIC_VERSION, model: null },
      clock: systemClock,
      random: systemRandom,
      log: log.child('peer'),
      onEvent: (event) => this.#onNetwork(event)
    })
    this.#parts.pipeline = new Pipeline({
      hops: network.hops,
      clock: systemClock,
      random: systemRandom
    })
    this.#parts.network = network
    const wishes = this.#parts.options
    this.#parts.profile = new OwnProfile({ network, wishes, clock: systemClock })
    this.#parts.openedMs = systemClock.now()
    await network.open()
    const { port } = network
    if (port !== 0)
      this.#emit('port', sentences.portText(announcedAddresses()[0] ?? name, port), { port })
    return network
  }

  async #measure(signal: AbortSignal): Promise<Machine> {
    let tookMs: number | null = null
    const onMeasured = (ms: number) => (tookMs = ms)
    const machine = await measureMachine(this.#parts.options, signal, { onMeasured })
    this.#emit('machine', sentences.profileText(machine, tookMs))
    return machine
  }

  #plan(model: Model, network: PeerNetwork, pipeline: Pipeline): void {
    const facts = modelFacts(model)
    const reachable = () => reachableRecords(network, network.hops.self)
    const watch = new PlanWatch({
      facts,
      arithmeticVersion: ARITHMETIC_VERSION,
      records: () => presentRecords(network),
      reachable,
      isMeasuring: () => this.#isMeasuring,
      isSettling: () => this.#parts.profile?.isSettling ?? false,
      clock: systemClock,
      onPlan: (plan) => this.#onPlan(plan)
    })
    this.#parts.watch = watch
    this.#parts.generator = new TextGenerator({
      ...textParts(model, systemClock),
      pipeline,
      ...routePorts(facts, watch, reachable, (peer) => this.#nameOf(peer)),
      members: () => membersToAsk(network),
      clock: systemClock,
      random: systemRandom
    })
  }

  /** From now on this machine takes layers and sessions. */
  #serve(model: Model, machine: Machine | null): void {
    const { layers } = this.#parts.options
    let profile: Profile | null = null
    if (machine !== null && !this.#parts.isClosing) {
      profile = beginServing(this.#parts, model, machine, (holding) => this.#onHolding(holding))
    }
    this.#parts.network?.publish({ profile, pin: layers })
    this.#parts.watch?.stir()
  }

  #onNetwork(event: NetworkEvent): void {
    // It is us who goes: the others are still there.
    if (this.#parts.isClosing) return
    this.#parts.pipeline?.reconsider()
    const news = networkNews(event, (peer) => this.#nameOf(peer))
    if (news !== null) this.#emit(news.kind, news.text, news.data)
    if (event.type === 'link-up' || event.type === 'record') this.#compareModels(event.peer)
    if (event.type === 'link-up') this.#onLinkUp()
    const changesPlans = event.type === 'link-up' || event.type === 'link-down'
    if (!changesPlans && event.type !== 'record') return
    this.#parts.watch?.stir()
    this.#aim()
  }

  #compareModels(peer: PeerId): void {
    const second = this.#rivals.compare(peer)
    if (second !== null) this.#end(second)
  }

  #onPlan(plan: Plan): void {
    const text = sentences.planText(plan, (peer) => this.#nameOf(peer))
    this.#emit('plan', text, { hash: plan.hash, stages: plan.stages })
    this.#aim()
  }

  /** What this peer is to hold by the newest plan; once the plan stands, for others too. */
  #aim(): void {
    const { serving, watch, identity } = this.#parts
    if (serving?.pinned !== null || identity === null || !watch?.plan) return
    serving.keeper.aim(aimOf(watch.plan, identity.id, watch.isSettled()))
  }

  #onHolding(holding: Holding): void {
    if (this.#parts.isClosing) return
    const before = this.#parts.network?.directory.get((this.#parts.identity as Identity).id)?.record
    const { held, own, loading } = holding
    const onDisk = this.#parts.serving?.stage.onDisk ?? []
    const news = before ? sentences.holdingNews(before, holding, onDisk) : null
    if (news !== null) this.#emit(news.kind, news.text, { held, own })
    this.#parts.network?.publish({ held: held.slice(0, HELD_RANGES_MAX), own: [...own], loading })
    this.#aim()
    this.#parts.pipeline?.reconsider()
  }

  #emit(kind: string, text: string, data?: Record<string, unknown>): void {
    this.#parts.hub.emit(kind, text, data)
  }

  #nameOf(peer: PeerId): string {
    return nameOf(this.#parts.network as PeerNetwork, peer)
  }

  /** The peer cannot go on. */
  #end(error: SwarmError): void {
    this.#fatal ??= error
    this.#opening.abort(error)
    void this.close()
  }

  close(): Promise<void> {
    this.#parts.isClosing = true
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    this.#opening.abort(abortError())
    this.#parts.watch?.close()
    this.#parts.profile?.close()
    await this.#parts.serving?.keeper.close()
    await this.#parts.pipeline?.close()
    await leave(this.#parts, systemClock)
    await this.#parts.serving?.host.close()
    await this.#parts.network?.close()
    await this.#memory.close()
    await this.#parts.serving?.stage.close()
    await this.#parts.api?.close()
    await this.#parts.history.close()
    this.#parts.hub.close()
    this.#lock?.release()
    if (this.#fatal) this.#settle?.reject(this.#fatal)
    else this.#settle?.resolve()
  }
}
