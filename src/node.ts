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
import { systemClock, sleep } from './base/clock.ts'
import { abortError, SwarmError, toSwarmError } from './base/errors.ts'
import { lockFile, type FileLock } from './base/file-lock.ts'
import { systemRandom } from './base/random.ts'
import { clip } from './base/text.ts'
import { loadKernels } from './compute/addon.ts'
import { ARITHMETIC_VERSION } from './compute/arithmetic.ts'
import { measureKernels } from './compute/measure.ts'
import { NativeStage } from './compute/native-stage.ts'
import { defaultThreads } from './compute/threads.ts'
import { formatRange, isLayerRange } from './model/layer-range.ts'
import { openModel, type Model } from './model/open-model.ts'
import { EventHub } from './node/event-hub.ts'
import { LayerKeeper, type Holding } from './node/layer-keeper.ts'
import { modelFacts } from './node/model-facts.ts'
import { describeRival, secondModel } from './node/one-model.ts'
import { PlanWatch } from './node/plan-watch.ts'
import * as sentences from './node/sentences.ts'
import { peerStatus, planStatus } from './node/status-views.ts'
import { textParts } from './node/text-parts.ts'
import { openIdentity } from './peer/identity.ts'
import { PeerNetwork, type NetworkEvent } from './peer/network.ts'
import { openTopic, type Topic } from './peer/topic.ts'
import { Pipeline } from './pipeline/pipeline.ts'
import { chooseRoute } from './pipeline/route.ts'
import { StageHost } from './pipeline/stage-host.ts'
import { TextGenerator } from './pipeline/text-generator.ts'
import { probe } from './sharding/probe.ts'
import * as codec from './wire/session-codec.ts'

import type {
  GenerateEvent,
  GenerateRequest,
  NodeEvent,
  NodeStatus,
  PeerStatus,
  PlanStatus,
  SwarmService
} from './api/service.ts'
import type { NodeOptions, RunningNode } from './node/options.ts'
import type { Identity } from './peer/identity.ts'
import type { Plan } from './sharding/plan.ts'
import type { Hello } from './wire/hello.ts'
import type { PeerId } from './wire/ids.ts'
import type { PeerRecord, Profile } from './wire/record.ts'

export { openLocal } from './node/local-model.ts'
export { makeDemoModel, runBootstrap } from './node/demo-ports.ts'

/** How long a question waits for layers that are being loaded, and how often it looks. */
const READY_WAIT_MS = 120_000
const READY_LOOK_MS = 100

/** Starts a peer; it runs until closed. @throws STORE_BUSY, MODEL_*, USAGE_*, NATIVE_*; AbortError. */
export async function startNode(options: NodeOptions, signal: AbortSignal): Promise<RunningNode> {
  const node = new SwarmNode(options)
  try {
    await node.open(signal)
  } catch (error) {
    await node.close()
    throw error
  }
  return { service: node, ended: node.ended, close: () => node.close() }
}

/** The parts that exist only with a model file and an addon to compute with. */
interface Serving {
  stage: NativeStage
  host: StageHost
  keeper: LayerKeeper
}

class SwarmNode implements SwarmService {
  readonly ended: Promise<void>
  readonly #options: NodeOptions
  readonly #hub: EventHub
  readonly #topic: Topic
  readonly #opening = new AbortController()
  #settle: { resolve: () => void; reject: (error: unknown) => void } | null = null
  #openedMs = systemClock.now()
  #lock: FileLock | null = null
  #identity: Identity | null = null
  #api: ApiServer | null = null
  #network: PeerNetwork | null = null
  #pipeline: Pipeline | null = null
  #model: Model | null = null
  #watch: PlanWatch | null = null
  #generator: TextGenerator | null = null
  #serving: Serving | null = null
  #fatal: SwarmError | null = null
  #closing: Promise<void> | null = null

  constructor(options: NodeOptions) {
    this.#options = options
    this.#hub = new EventHub(systemClock, options.onEvent)
    this.#topic = openTopic({
      name: options.topic,
      secret: options.secret,
      bootstrap: options.bootstrap.length > 0,
      public: options.public,
      lanOnly: options.lanOnly
    })
    this.ended = new Promise((resolve, reject) => (this.#settle = { resolve, reject }))
    // Whoever cares awaits it; until then a fatal error is no unhandled one.
    this.ended.catch(() => {})
  }

  async open(outer: AbortSignal): Promise<void> {
    const { dataDir, socketPath, httpPort, log } = this.#options
    const signal = AbortSignal.any([outer, this.#opening.signal])
    this.#hub.emit('topic', this.#topic.sentence)
    this.#lock = lockFile(join(dataDir, 'lock'), `the data directory ${dataDir}`)
    this.#identity = await openIdentity(dataDir, systemRandom)
    this.#api = new ApiServer({
      service: this,
      clock: systemClock,
      random: systemRandom,
      log: log.child('api'),
      socketPath,
      ...(httpPort === null ? {} : { httpPort })
    })
    await this.#api.open()
    if (this.#api.address) this.#hub.emit('api', `OpenAI-compatible API at ${this.#api.address}/v1`)
    const computes = this.#checkCompute()
    await this.#openModel(signal)
    signal.throwIfAborted()
    await this.#openNetwork(this.#identity)
    const profile = computes ? await this.#measure(signal) : null
    signal.throwIfAborted()
    if (this.#model) this.#serve(this.#model, profile)
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
      this.#hub.emit('warning', message)
      return false
    }
  }

  async #openModel(signal: AbortSignal): Promise<void> {
    const { model: path, layers, cacheDir } = this.#options
    if (path === null) {
      const hint = 'it is seen by the others but holds no layers; give it one with --model FILE'
      this.#hub.emit('model', `this peer has no model file: ${hint}`)
      return
    }
    let told = -1
    const model = await openModel(path, {
      idCachePath: join(cacheDir, 'model-ids.json'),
      onProgress: (done, total) => {
        const quarter = Math.floor((4 * done) / total)
        if (quarter === told) return
        told = quarter
        this.#hub.emit('model', `reading the model file, ${25 * quarter} %`)
      },
      signal
    })
    const { nLayers } = model.hyper
    if (layers !== null && !isLayerRange(layers, nLayers)) {
      throw new SwarmError(
        'USAGE_BAD_VALUE',
        `--layers ${formatRange(layers)} is not in this model, which has layers 0-${nLayers - 1}`
      )
    }
    this.#model = model
    this.#hub.emit('model', `'${model.name}', ${nLayers} layers, id ${model.id.slice(0, 8)}`)
  }

  async #openNetwork(identity: Identity): Promise<void> {
    const { bootstrap, programVersion, log } = this.#options
    const model = this.#model && { id: this.#model.id, name: this.#model.name }
    const name = clip(hostname(), 63)
    const network = new PeerNetwork({
      identity,
      topic: this.#topic,
      bootstrap,
      facts: { name, programVersion, arithmeticVersion: ARITHMETIC_VERSION, model },
      codec,
      clock: systemClock,
      random: systemRandom,
      log: log.child('peer'),
      onEvent: (event) => this.#onNetwork(event)
    })
    this.#pipeline = new Pipeline({ hops: network.hops, clock: systemClock, random: systemRandom })
    this.#network = network
    this.#openedMs = systemClock.now()
    if (this.#model) this.#plan(this.#model, this.#pipeline)
    await network.open()
  }

  async #measure(signal: AbortSignal): Promise<Profile> {
    const { memoryBytes, cacheDir, programVersion, log } = this.#options
    const threads = this.#threads()
    const profile = await probe(
      {
        meter: {
          kernels: loadKernels().table,
          build: programVersion,
          measure: () => measureKernels(threads)
        },
        threads,
        cacheFile: join(cacheDir, 'profile.json'),
        memoryLimitBytes: memoryBytes,
        fresh: false,
        log: log.child('probe')
      },
      signal
    )
    this.#hub.emit('machine', sentences.profileText(profile))
    return profile
  }

  #plan(model: Model, pipeline: Pipeline): void {
    const facts = modelFacts(model)
    const records = () => this.#aliveRecords()
    const watch = new PlanWatch({
      facts,
      arithmeticVersion: ARITHMETIC_VERSION,
      records,
      clock: systemClock,
      onPlan: (plan) => this.#onPlan(plan)
    })
    this.#watch = watch
    this.#generator = new TextGenerator({
      ...textParts(model, systemClock),
      pipeline,
      findRoute: () => chooseRoute(facts, ARITHMETIC_VERSION, watch.plan as Plan, records()),
      clock: systemClock,
      random: systemRandom
    })
  }

  /** From now on this machine takes layers and sessions. */
  #serve(model: Model, profile: Profile | null): void {
    const network = this.#network as PeerNetwork
    const { layers, log } = this.#options
    if (profile !== null && this.#closing === null) {
      const stage = new NativeStage(model, this.#threads())
      const host = new StageHost({
        stage,
        hops: network.hops,
        clock: systemClock,
        log: log.child('stage'),
        modelId: model.id,
        arithmeticVersion: ARITHMETIC_VERSION,
        memoryBytes: profile.memoryKiB * 1024
      })
      const keeper = new LayerKeeper({
        stage,
        host,
        clock: systemClock,
        onChange: (holding) => this.#onHolding(holding),
        onError: (error) => this.#hub.emit('error', `loading failed: ${error.message}`)
      })
      this.#serving = { stage, host, keeper }
      this.#pipeline?.serve(host)
    }
    network.publish({ profile, pin: layers })
    this.#watch?.stir()
  }

  #onNetwork(event: NetworkEvent): void {
    switch (event.type) {
      case 'link-up':
        this.#hub.emit('peer', sentences.linkUpText(event.peer, event.hello), { peer: event.peer })
        this.#compareModels(event.peer, event.hello)
        break
      case 'link-down': {
        const name = this.#nameOf(event.peer)
        const text = sentences.linkDownText(event.peer, name, event.left)
        this.#hub.emit('peer', text, { peer: event.peer })
        break
      }
      case 'lane':
        this.#hub.emit('lane', sentences.laneText(event.peer, event.kind), { peer: event.peer })
        return
      case 'refused':
        this.#hub.emit('refused', event.error.message, { peer: event.peer, code: event.error.code })
        return
      case 'duplicate':
        this.#hub.emit('error', event.error.message, { code: event.error.code })
        return
      case 'record':
        break
    }
    this.#watch?.stir()
  }

  #compareModels(peer: PeerId, hello: Hello): void {
    const own = {
      key: (this.#identity as Identity).id,
      model: this.#model && { id: this.#model.id, name: this.#model.name },
      upMs: systemClock.now() - this.#openedMs
    }
    const other = { key: peer, model: hello.model, upMs: hello.upMs }
    const second = secondModel(own, other, this.#topic.name)
    if (second) this.#end(second)
    else if (own.model && other.model && own.model.id !== other.model.id) {
      this.#hub.emit('refused', describeRival(other), { peer, code: 'MODEL_SECOND' })
    }
  }

  #onPlan(plan: Plan): void {
    const self = (this.#identity as Identity).id
    const own = plan.stages.find(({ peer }) => peer === self)
    this.#hub.emit(
      'plan',
      sentences.planText(plan, (peer) => this.#nameOf(peer)),
      {
        hash: plan.hash,
        stages: plan.stages
      }
    )
    this.#serving?.keeper.aim(own ? { start: own.start, end: own.end } : null)
  }

  #onHolding({ held, loading }: Holding): void {
    if (this.#closing !== null) return
    const before = this.#network?.directory.get((this.#identity as Identity).id)?.record
    if (held !== null && loading === null && before?.loading) {
      this.#hub.emit('layers', `layers ${formatRange(held)} are ready`, { held })
    }
    this.#network?.publish({ held, loading })
  }

  #aliveRecords(): PeerRecord[] {
    const peers = this.#network?.directory.peers() ?? []
    return peers.filter(({ state }) => state === 'alive').map(({ record }) => record)
  }

  #nameOf(peer: PeerId): string {
    return this.#network?.directory.get(peer)?.record.name ?? peer.slice(0, 8)
  }

  #threads(): number {
    return this.#options.threads ?? defaultThreads()
  }

  /** The peer cannot go on. */
  #end(error: SwarmError): void {
    this.#fatal ??= error
    this.#opening.abort(error)
    void this.close()
  }

  status(): NodeStatus {
    const { dataDir, programVersion } = this.#options
    const model = this.#model
    return {
      key: this.#identity?.id ?? '',
      name: hostname(),
      pid: process.pid,
      version: programVersion,
      arithmeticVersion: ARITHMETIC_VERSION,
      topic: this.#topic.name,
      reach: this.#topic.sentence,
      upMs: Math.round(systemClock.now() - this.#openedMs),
      dataDir,
      model: model && {
        id: model.id,
        name: model.name,
        path: model.path,
        nLayers: model.hyper.nLayers
      },
      held: this.#serving?.stage.held ?? null,
      weightBytes: this.#serving?.stage.weightBytes ?? 0,
      peers: this.#network?.links().length ?? 0,
      sessions: (this.#pipeline?.sessions ?? 0) + (this.#serving?.host.sessions ?? 0),
      http: this.#api?.address ?? null
    }
  }

  peers(): PeerStatus[] {
    const network = this.#network
    if (network === null || this.#identity === null) return []
    const { id } = this.#identity
    const links = new Map(network.links().map((link) => [link.peer, link]))
    return network.directory.peers().map((peer) => peerStatus(peer, id, links))
  }

  plan(): PlanStatus {
    return planStatus(this.#watch?.plan ?? null, this.#watch?.readiness() ?? null)
  }

  async *generate(
    request: GenerateRequest,
    signal: AbortSignal
  ): AsyncGenerator<GenerateEvent, void> {
    if (this.#generator === null) {
      const starting = this.#options.model !== null
      throw new SwarmError(
        starting ? 'PEER_BUSY' : 'MODEL_NOT_GIVEN',
        starting
          ? 'this peer is still reading its model file; ask again in a moment'
          : 'this peer has no model file, so it cannot make tokens of the question; ' +
              'start it with: swarm join TOPIC --model FILE'
      )
    }
    yield* this.#untilReady(signal)
    yield* this.#generator.generate(request, signal)
  }

  /** Waits while layers are being loaded, saying so. @throws PLAN_GAP */
  async *#untilReady(signal: AbortSignal): AsyncGenerator<GenerateEvent, void> {
    const untilMs = systemClock.now() + READY_WAIT_MS
    let told = ''
    for (;;) {
      const ready = this.#watch?.readiness() ?? null
      if (ready?.state === 'ready') return
      const reason = ready?.text ?? 'this peer has just joined and is making its first plan'
      const isLate = systemClock.now() >= untilMs || this.#closing !== null
      if (ready?.state === 'gap' || isLate) throw new SwarmError('PLAN_GAP', reason)
      if (reason !== told) yield { type: 'queued', reason }
      told = reason
      await sleep(systemClock, READY_LOOK_MS, signal)
    }
  }

  closeSession(session: string): void {
    this.#generator?.closeSession(session)
  }

  events(signal: AbortSignal): AsyncIterable<NodeEvent> {
    return this.#hub.subscribe(signal)
  }

  stop(): void {
    void this.close()
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    this.#opening.abort(abortError())
    this.#watch?.close()
    await this.#serving?.keeper.close()
    await this.#pipeline?.close()
    await this.#serving?.host.close()
    await this.#network?.close()
    await this.#serving?.stage.close()
    await this.#api?.close()
    this.#hub.close()
    this.#lock?.release()
    if (this.#fatal) this.#settle?.reject(this.#fatal)
    else this.#settle?.resolve()
  }
}
