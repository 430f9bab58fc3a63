// Who collects the dashboard's figures from the parts of a running peer: owns the meter and the table of
// VoC, asks the rest anew each time. Costs nothing while nobody looks.

import { systemClock } from '../base/clock.ts'
import { MODEL_NAME_BYTES_MAX } from '../base/limits.ts'
import { clip } from '../base/text.ts'
import { ARITHMETIC_VERSION } from '../compute/arithmetic.ts'
import { createView } from '../sharding/view.ts'
import { modelFacts } from './model-facts.ts'
import { nameOf, presentRecords } from './neighbours.ts'
import { measuredDelaysUs, predictRoute } from '../sharding/predict-route.ts'
import { activeBytes, readBytes } from './top-figures.ts'
import { TopMeter } from './top-meter.ts'
import { topSnapshot } from './top-snapshot.ts'
import { VocTable } from './top-voc.ts'

import type { NodeStatus, PeerStatus } from '../api/service.ts'
import type { Model } from '../model/open-model.ts'
import type { ModelFacts, View } from '../sharding/facts.ts'
import type { GenerateEvent } from '../wire/generation.ts'
import type { Figure, TopSnapshot } from '../wire/top.ts'
import type { PeerId } from '../wire/ids.ts'
import type { RouteStage } from '../wire/session.ts'
import type { NodeParts } from './node-parts.ts'

export class TopSource {
  readonly #parts: NodeParts
  readonly #meter: TopMeter
  readonly #voc = new VocTable(systemClock)
  #facts: { model: Model; facts: ModelFacts } | null = null

  constructor(parts: NodeParts) {
    this.#parts = parts
    this.#meter = new TopMeter({
      clock: systemClock,
      predict: (stages, use) => {
        const view = this.#view()
        return view && predictRoute(view, stages, use)
      },
      delays: (stages) => this.#delays(stages),
      weightBytes: (range) => {
        const facts = this.#modelFacts()
        return facts && activeBytes(facts, range)
      },
      modelName: () => clip(parts.model?.name ?? '', MODEL_NAME_BYTES_MAX),
      nameOf: (peer) => {
        const { network } = parts
        return network === null ? peer.slice(0, 8) : nameOf(network, peer)
      },
      onReport: (report) => parts.history.add(report)
    })
  }

  /** The same events of an answer that was asked for here; its figures are noted. */
  follow(events: AsyncIterable<GenerateEvent>): AsyncGenerator<GenerateEvent, void> {
    return this.#meter.follow(events)
  }

  snapshot(status: NodeStatus, peers: readonly PeerStatus[]): TopSnapshot {
    const { model, watch, serving, hub } = this.#parts
    const facts = this.#modelFacts()
    const reads = serving?.host.layerReads ?? []
    return topSnapshot({
      wallMs: systemClock.wallMs(),
      status,
      peers,
      plan: watch?.plan ?? null,
      isReady: watch?.readiness()?.state === 'ready',
      model: model &&
        facts && {
          facts,
          contextTokens: model.hyper.contextLength,
          canChat: model.chatTemplate !== null
        },
      counted: this.#meter,
      ownThrptBytesPerSecond: facts ? this.#meter.bytesPerSecond(readBytes(facts, reads)) : 0,
      hostedSessions: serving?.host.sessions ?? 0,
      voc: this.#vocOf(),
      events: hub.recent
    })
  }

  #vocOf(): Map<PeerId, Figure> {
    const plan = this.#parts.watch?.plan
    const view = this.#view()
    // A plan of another view: the next one is on its way.
    if (!plan || view === null || plan.stages.length === 0) return new Map()
    return this.#voc.of(view, plan, (stages) => this.#meter.measured(stages))
  }

  /** What this peer measures itself beside what the others publish. */
  #delays(stages: readonly RouteStage[]): number[] | null {
    const { identity, network } = this.#parts
    const view = this.#view()
    if (identity === null || network === null || view === null) return null
    const links = new Map(network.links().map(({ peer, rttMs }) => [peer, rttMs]))
    return measuredDelaysUs(view, stages, (from, to) => {
      const other = from === identity.id ? to : to === identity.id ? from : null
      const rttMs = other === null ? null : (links.get(other) ?? null)
      return rttMs === null ? null : (1000 * rttMs) / 2
    })
  }

  #view(): View | null {
    const { network } = this.#parts
    const facts = this.#modelFacts()
    if (network === null || facts === null) return null
    return createView(facts, ARITHMETIC_VERSION, presentRecords(network))
  }

  /** Sums over all tensors, so once per model. */
  #modelFacts(): ModelFacts | null {
    const { model } = this.#parts
    if (model === null) return null
    if (this.#facts?.model !== model) this.#facts = { model, facts: modelFacts(model) }
    return this.#facts.facts
  }
}
