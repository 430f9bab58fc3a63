// Real processes that go in mid-answer, again and again: at a random token or chunk of the prompt, by
// kill -9, frozen, or stopped as a user would. Every answer is compared with that of one stage alone in this
// process; counts those that were wrong, lost or doubled tokens, failed or hung, and how long they paused.

import { join } from 'node:path'

import { silentLog } from '../../src/base/log.ts'
import { below, seededRandom, type Random } from '../../src/base/random.ts'
import { formatRange } from '../../src/model/layer-range.ts'
import { openLocal } from '../../src/node/local-model.ts'
import { LossLab, WAYS, type Pause, type WatchedAnswer, type Way } from '../helpers/loss-lab.ts'
import { Lab, type LabPeer } from '../helpers/swarm-lab.ts'

import type { GenerateRequest, GenerateResult } from '../../src/api/service.ts'
import type { LocalModel } from '../../src/node/local-model.ts'
import type { RouteStage } from '../../src/wire/session.ts'

/** The first layers are held once: who loses them waits for them. */
const PINS = ['0-0', '1-2', '3-3', '1-2', '3-3']
/** Longer than any pause may be, with the start of a process in it. */
const HANG_MS = 60_000

type Verdict = 'right' | 'wrong' | 'lost' | 'doubled' | 'failed' | 'hung'

/** The way it went; whose layers nobody else had was awaited. */
type Kind = Way | 'awaited'

interface Kill {
  verdict: Verdict
  kind: Kind
  /** Null when the answer did not notice: it was over, or the peer back in time. */
  pause: Pause | null
  text: string
}

/** @param count kills. */
export async function soakKills(seed: number, count: number): Promise<boolean> {
  const random = seededRandom(seed)
  const pausesMs: Record<Kind, number[]> = { killed: [], frozen: [], stopped: [], awaited: [] }
  const counts = { right: 0, wrong: 0, lost: 0, doubled: 0, failed: 0, hung: 0 }
  let kills = 0
  while (kills < count) {
    const run = await KillRun.open(random)
    // After what must not happen the next one begins with other processes.
    for (let isSound = true; isSound && kills < count; kills++) {
      const { verdict, kind, pause, text } = await run.kill()
      counts[verdict]++
      if (pause !== null) pausesMs[kind].push(pause.totalMs)
      console.log(`${kills + 1} of ${count}: ${text}`)
      isSound = verdict === 'right'
    }
    await run.close()
  }
  for (const [kind, values] of Object.entries(pausesMs)) console.log(`${kind}: ${told(values)}`)
  console.log(`${kills} kills from seed ${seed}: ${JSON.stringify(counts)}`)
  return counts.right === kills
}

class KillRun {
  readonly #random: Random
  readonly #lab: Lab
  readonly #swarm: LossLab
  readonly #alone: LocalModel

  static async open(random: Random): Promise<KillRun> {
    const lab = new Lab()
    const swarm = await LossLab.open(lab, PINS, 3)
    const alone = await openLocal(
      {
        model: swarm.model,
        threads: 1,
        memoryBytes: null,
        request: question(random),
        needsId: false,
        cacheDir: join(lab.folder, 'alone'),
        log: silentLog,
        onProgress: () => {}
      },
      new AbortController().signal
    )
    return new KillRun(random, lab, swarm, alone)
  }

  private constructor(random: Random, lab: Lab, swarm: LossLab, alone: LocalModel) {
    this.#random = random
    this.#lab = lab
    this.#swarm = swarm
    this.#alone = alone
  }

  async close(): Promise<void> {
    await this.#alone.close()
    await this.#lab.close()
  }

  /** One answer, one loss; everybody is back afterwards. */
  async kill(): Promise<Kill> {
    const random = this.#random
    const swarm = this.#swarm
    const way = WAYS[below(random, WAYS.length)] as Way
    const asked = question(random)
    const expected = await this.#expected(asked)
    const origin = swarm.peers[below(random, swarm.peers.length)] as LabPeer
    const answer = swarm.ask(origin, asked)
    const isLong = asked.maxTokens === LONG_ANSWER
    const at = isLong ? { chunks: 1 + below(random, 8) } : { tokens: 1 + below(random, 250) }
    await answer.reached(at)
    const others = answer.stages.filter(({ peer }) => peer !== swarm.keyOf(origin))
    const stage = others[below(random, others.length)] as RouteStage
    const isHeldTwice = stage.start > 0
    const lost = swarm.peerOf(stage)
    const lostMs = swarm.lose(lost, way)
    const isInTime =
      (!isHeldTwice || (await isWithin(answer.ended, HANG_MS))) &&
      (await isWithin(swarm.bringBack(lost, way), HANG_MS)) &&
      (await isWithin(answer.ended, HANG_MS)) &&
      (await isWithin(swarm.idle(), HANG_MS))
    const verdict = isInTime ? verdictOf(answer, expected) : 'hung'
    const pause = answer.pause(lostMs)
    const { start, end } = stage
    const what = `layers ${formatRange({ start, end })} ${way} at ${JSON.stringify(at)}`
    const parts = pause === null ? 'not noticed' : `${pause.totalMs.toFixed(0)} ms`
    const why = verdict === 'right' ? '' : `; ${describe(answer, expected)}`
    return {
      verdict,
      kind: isHeldTwice ? way : 'awaited',
      pause,
      text: `${what}: ${verdict}, ${parts}${why}`
    }
  }

  async #expected(asked: GenerateRequest): Promise<GenerateResult> {
    for await (const event of this.#alone.generate(asked, new AbortController().signal)) {
      if (event.type === 'done') return event.result
    }
    throw new Error('no result')
  }
}

const LONG_ANSWER = 5

/** A fresh one each time: what was asked before is known to the stages. */
function question(random: Random): GenerateRequest {
  const isLong = below(random, 4) === 0
  const words = ['one', 'two', 'three', 'time', 'wood', 'tree', 'bright', 'down']
  const length = isLong ? 3000 : 1 + below(random, 60)
  const prompt = Array.from({ length }, () => words[below(random, words.length)]).join(' ')
  const sampling = {
    temperature: below(random, 3) / 2,
    presencePenalty: below(random, 2) / 2,
    seed: random.uint32()
  }
  return { prompt, maxTokens: isLong ? LONG_ANSWER : 300, sampling, stop: [], kvType: 'f16' }
}

function verdictOf({ ids, error, result }: WatchedAnswer, expected: GenerateResult): Verdict {
  if (error !== null || result === null) return 'failed'
  if (ids.length < expected.ids.length) return 'lost'
  if (ids.length > expected.ids.length) return 'doubled'
  const isSame = ids.join() === expected.ids.join() && result.logitsHash === expected.logitsHash
  return isSame ? 'right' : 'wrong'
}

function describe({ ids, reasons, error }: WatchedAnswer, expected: GenerateResult): string {
  const tokens = `${ids.length} of ${expected.ids.length} tokens`
  return [tokens, ...reasons, error === null ? 'no error' : String(error)].join('; ')
}

async function isWithin(work: Promise<unknown>, limitMs: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<false>((resolve) => (timer = setTimeout(resolve, limitMs, false)))
  const isDone = await Promise.race([work.then(() => true), late])
  clearTimeout(timer)
  return isDone
}

function told(pausesMs: readonly number[]): string {
  const sorted = pausesMs.toSorted((a, b) => a - b)
  const at = (q: number) => sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))]
  if (sorted.length === 0) return 'no pause'
  return `${sorted.length} pauses, median ${at(0.5)?.toFixed(0)} ms, 95 % within ${at(0.95)?.toFixed(0)} ms`
}
