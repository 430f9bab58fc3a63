// One simulated day of a swarm whose peers measure themselves and the ways between them anew every half
// minute, with noise, while their true speeds drift: how often the plan changes, and what it costs against
// the best plan of the moment. Held layers follow the plan at once, so every change counts.

import { given } from '../../src/base/given.ts'
import { below, seededRandom, type Random } from '../../src/base/random.ts'
import { computePlan, type Plan } from '../../src/sharding/plan.ts'
import { averageRate, nearestStep, quantiseRate, type Average } from '../../src/sharding/profile.ts'
import { NoisyWays } from './noisy-ways.ts'
import { keyOf, modelKiB, randomModel, ticksOf, withScarceMemory } from './views.ts'

import type { LayerRange } from '../../src/model/layer-range.ts'
import type { ModelFacts, View, ViewPeer } from '../../src/sharding/facts.ts'
import { viewHash } from '../../src/sharding/view.ts'

const SAMPLE_MS = 30_000
const DAY_SAMPLES = (24 * 60 * 60_000) / SAMPLE_MS
/** Compared with the best plan of the moment as often as this. */
const REGRET_EVERY = 240

export interface NoisyDay {
  changes: number
  /** Mean share by which a token takes longer than with the best plan of the true speeds. */
  regret: number
}

export interface NoisyDayOptions {
  /** False publishes every sample as it is: the canary. */
  steady?: boolean
  /** A day of them, or fewer. */
  nSamples?: number
  /** Memory does not suffice, so that disks are read for every token, and are measured with noise as well. */
  streams?: boolean
}

export function noisyDay(
  seed: number,
  noisePercent: number,
  { steady = true, nSamples = DAY_SAMPLES, streams = false }: NoisyDayOptions = {}
): NoisyDay {
  const random = seededRandom(seed)
  const roomy = cluster(random)
  const { model, peers: truth } = streams ? withScarceMemory(random, roomy, 85) : roomy
  const ways = new NoisyWays(random, model, truth)
  const trueLinks = ways.links(0)
  const rates = truth.map(({ weightMiBps }) => new NoisyRate(weightMiBps))
  const disks = truth.map(({ diskMiBps }) => diskMiBps && new NoisyRate(diskMiBps))
  const drift = truth.map(() => 0)
  const held = new Map<string, LayerRange[]>()
  let plan: Plan | null = null
  let view = ''
  let changes = 0
  let regret = 0
  for (let sample = 0; sample < nSamples; sample++) {
    const now = truth.map((peer, i) => {
      // A slow wave of 4.5 %: heat, and other programs.
      drift[i] = (drift[i] as number) * 0.98 + gauss(random) * 0.009
      const links = trueLinks.get(peer.key) ?? []
      return { ...peer, weightMiBps: Math.floor(peer.weightMiBps * (1 + drift[i])), links }
    })
    for (const [i, { weightMiBps }] of now.entries()) {
      rates[i]?.look(random, weightMiBps, noisePercent, steady)
      const { diskMiBps = 0 } = truth[i] as ViewPeer
      if (disks[i]) disks[i].look(random, diskMiBps, noisePercent, steady)
    }
    const nowMs = (sample + 1) * SAMPLE_MS
    ways.look(noisePercent, nowMs)
    const links = ways.links(nowMs)
    const peers = truth.map((peer, i) => ({
      ...peer,
      links: links.get(peer.key) ?? [],
      weightMiBps: (rates[i] as NoisyRate).published,
      ...given({ diskMiBps: disks[i] ? disks[i].published : undefined }),
      held: steady ? (held.get(peer.key) ?? []) : []
    }))
    const seen = viewHash({ model, peers })
    if (seen !== view) {
      view = seen
      const next = computePlan({ model, peers })
      if (plan !== null && next.hash !== plan.hash) changes++
      plan = next
      held.clear()
      for (const { peer, start, end } of next.stages) {
        held.set(peer, [...(held.get(peer) ?? []), { start, end }])
      }
    }
    if (sample % REGRET_EVERY === 0) {
      const best = computePlan({ model, peers: now }).stages
      const view = { model, peers: now }
      regret += ticksOf(view, (plan as Plan).stages) / ticksOf(view, best) - 1
    }
  }
  return { changes, regret: regret / Math.ceil(nSamples / REGRET_EVERY) }
}

/** What a peer publishes of a rate that it measures again and again. */
class NoisyRate {
  published: number
  #average: Average | null = null

  constructor(trueMiBps: number) {
    this.published = nearestStep(trueMiBps)
  }

  look(random: Random, trueMiBps: number, noisePercent: number, steady: boolean): void {
    const noisy = trueMiBps * (1 + (gauss(random) * noisePercent) / 100)
    const measured = Math.max(100, Math.floor(noisy))
    this.#average = averageRate(this.#average, measured)
    this.published = steady ? quantiseRate(this.published, this.#average.rate) : measured
  }
}

/** Eight machines of which several are needed, and some are left out. */
function cluster(random: Random): View {
  const layerKiB = Array.from({ length: 40 }, () => 200_000)
  const model: ModelFacts = {
    ...randomModel(random, 1),
    nLayers: 40,
    dim: 4096,
    layerKiB,
    activeKiB: layerKiB,
    embeddingKiB: 200_000,
    headKiB: 400_000,
    tied: false,
    kvBytesPerToken: 4096,
    contextTokens: 4096
  }
  const needKiB = modelKiB(model)
  const truth = Array.from({ length: 8 }, (_, index) => ({
    key: keyOf((index + 16).toString(16)),
    memoryKiB: Math.floor((needKiB * (15 + below(random, 40))) / 100),
    weightMiBps: 8000 + below(random, 40_000),
    pin: null
  }))
  return { model, peers: truth }
}

/** Mean 0, deviation 1, from four uniform values. */
function gauss(random: Random): number {
  let sum = -2
  for (let i = 0; i < 4; i++) sum += below(random, 2 ** 20) / 2 ** 20
  return sum * Math.sqrt(3)
}
