// Real processes of which one joins, leaves or is killed every five seconds, while several answers run at all
// times. Every answer is compared with that of one stage alone in this process. Counts those that were wrong,
// failed or hung, and measures how long a reader waited between two tokens, and what the processes that stay
// take of memory when the first tenth of the time is over.

import { join } from 'node:path'

import { sleep, systemClock } from '../../src/base/clock.ts'
import { silentLog } from '../../src/base/log.ts'
import { below, seededRandom, type Random } from '../../src/base/random.ts'
import { openLocal, type LocalModel } from '../../src/node/local-model.ts'
import { ChurnSwarm, type ChurnEvent } from '../helpers/churn-swarm.ts'
import { GapCounts } from '../helpers/gap-counts.ts'
import { Lab } from '../helpers/swarm-lab.ts'

import type { GenerateRequest, GenerateResult } from '../../src/api/service.ts'

export interface ChurnRun {
  seed: number
  lengthMs: number
  /** Between two events. */
  everyMs: number
  /** At the same time. */
  nSessions: number
}

export interface ChurnReport {
  answers: number
  /** Another id or another hash than one stage alone. */
  wrong: number
  /** An error instead of an answer. */
  lost: number
  events: Record<ChurnEvent, number>
  /** Answers that went on over another route. */
  moved: number
  gaps: GapCounts
  /** Of each peer that stays; null when the run was too short. */
  growths: (number | null)[]
  problems: string[]
}

/** Questions that are asked again and again: what they are answered alone is computed once. */
const N_QUESTIONS = 12
/** A reader sees it: told with what happened before it. */
const LONG_GAP_MS = 1000
/** Longer than any wait for layers: they are held by those that stay, at least on disk. */
const HANG_MS = 60_000
const SAMPLE_MS = 1000
/** Samples between collections: each takes the time of a token or two. */
const COLLECT_SAMPLES = 30
const GROWTH_MAX = 0.05
const LISTEN_MS = 20
/** A minute of either. */
const LISTENED_MAX = 60_000 / LISTEN_MS
const USED_MAX = 60_000 / SAMPLE_MS

/** @param count seconds. */
export async function soakChurn(seed: number, count: number): Promise<boolean> {
  const report = await churnRun({ seed, lengthMs: 1000 * count, everyMs: 5000, nSessions: 3 })
  const { answers, wrong, lost, moved, events, gaps, growths, problems } = report
  for (const problem of problems) console.log(problem)
  console.log(`${answers} answers, ${wrong} wrong, ${lost} lost; ${moved} moves; ${told(events)}`)
  console.log(`between two tokens: ${gaps.text}`)
  const percents = growths.map((growth) =>
    growth === null ? '-' : `${(100 * growth).toFixed(1)} %`
  )
  console.log(`memory of those that stay grew by ${percents.join(', ')}`)
  const isFlat = growths.every((growth) => growth === null || growth < GROWTH_MAX)
  return answers > 0 && wrong === 0 && lost === 0 && isFlat
}

export async function churnRun(options: ChurnRun): Promise<ChurnReport> {
  const lab = new Lab()
  const random = seededRandom(options.seed)
  const swarm = await ChurnSwarm.open(lab, random)
  const alone = await openAlone(lab, swarm.model, question(random))
  try {
    return await new Churn(options, swarm, alone, random).perform()
  } finally {
    await alone.close()
    await lab.close()
  }
}

interface Asked {
  request: GenerateRequest
  expected: Promise<GenerateResult>
}

class Churn {
  readonly #options: ChurnRun
  readonly #swarm: ChurnSwarm
  readonly #random: Random
  readonly #asked: Asked[]
  readonly #report: ChurnReport
  /** KiB of each stayer beside its weights, keys and values, once a second. */
  readonly #resident: number[][] = []
  /** What the stayers have used, once a second, and how late this process was when it looked. */
  readonly #used: { atMs: number; seconds: number[] }[] = []
  readonly #late: { atMs: number; ms: number }[] = []
  #startMs = 0
  #lastEvent = 'nothing'

  constructor(options: ChurnRun, swarm: ChurnSwarm, alone: LocalModel, random: Random) {
    this.#options = options
    this.#swarm = swarm
    this.#random = random
    // One after the other: the peers need the processors.
    let before: Promise<unknown> = Promise.resolve()
    this.#asked = Array.from({ length: N_QUESTIONS }, () => {
      const request = question(random)
      const expected = before.then(() => answerOf(alone, request))
      before = expected
      return { request, expected }
    })
    this.#report = {
      answers: 0,
      wrong: 0,
      lost: 0,
      events: { join: 0, leave: 0, kill: 0 },
      moved: 0,
      gaps: new GapCounts(),
      growths: [],
      problems: []
    }
  }

  async perform(): Promise<ChurnReport> {
    await this.#asked.at(-1)?.expected
    this.#startMs = performance.now()
    const { nSessions } = this.#options
    const sessions = Array.from({ length: nSessions }, () => this.#session())
    await Promise.all([...sessions, this.#change(), this.#watch(), this.#listen()])
    const report = this.#report
    report.growths = this.#swarm.stayers.map((_, i) =>
      growthOf(this.#resident.map((all) => all[i] ?? 0))
    )
    return report
  }

  get #isOver(): boolean {
    return performance.now() - this.#startMs > this.#options.lengthMs
  }

  async #session(): Promise<void> {
    while (!this.#isOver) {
      const { request, expected } = this.#asked[below(this.#random, N_QUESTIONS)] as Asked
      try {
        this.#compare(await this.#ask(request), await expected)
      } catch (error) {
        this.#report.lost++
        this.#tell(`lost after ${this.#lastEvent}: ${String(error)}`)
      }
    }
  }

  /** One answer, with the time between its tokens. @throws what it ended with. */
  async #ask(request: GenerateRequest): Promise<GenerateResult> {
    const { gaps } = this.#report
    const signal = AbortSignal.timeout(this.#options.lengthMs + HANG_MS)
    let lastMs: number | null = null
    let why: string[] = []
    for await (const event of this.#swarm.origin.client.generate(request, signal)) {
      const nowMs = performance.now()
      if (event.type === 'rerouted') this.#report.moved++
      if (event.type === 'rerouting') why.push(event.reason)
      if (event.type === 'rerouted') why.push(`${event.refillTokens} to fill`)
      if (event.type === 'done') return event.result
      if (event.type !== 'text') continue
      if (lastMs !== null) {
        gaps.add(nowMs - lastMs, event.ids.length)
        if (nowMs - lastMs > LONG_GAP_MS) this.#tellPause(lastMs, nowMs, why)
      }
      lastMs = nowMs
      why = []
    }
    throw new Error('the answer has no end')
  }

  /** With what tells a stage that waits from one that computes, and both from a machine that stood still. */
  #tellPause(fromMs: number, toMs: number, why: string[]): void {
    const before = this.#used.findLast(({ atMs }) => atMs <= fromMs) ?? this.#used[0]
    const seconds = this.#swarm.usedSeconds().map((now, i) => now - (before?.seconds[i] ?? now))
    const used = seconds.map((all) => (1000 * all).toFixed(0)).join(', ')
    const sinceMs = toMs - (before?.atMs ?? toMs)
    const late = Math.max(0, ...this.#late.filter(({ atMs }) => atMs > fromMs).map(({ ms }) => ms))
    const what = `a pause of ${(toMs - fromMs).toFixed(0)} ms after ${this.#lastEvent}`
    this.#tell(
      `${what}: ${why.join('; ') || 'no other route'}; in ${sinceMs.toFixed(0)} ms those that stay ` +
        `computed ${used} ms, this process was late by ${late.toFixed(0)} ms at most`
    )
  }

  #compare(result: GenerateResult, expected: GenerateResult): void {
    this.#report.answers++
    const isSame = result.ids.join() === expected.ids.join()
    if (isSame && result.logitsHash === expected.logitsHash) return
    this.#report.wrong++
    this.#tell(
      `wrong after ${this.#lastEvent}: ${result.ids.length} of ${expected.ids.length} tokens`
    )
  }

  async #change(): Promise<void> {
    while (!this.#isOver) {
      const event = this.#swarm.change()
      this.#report.events[event]++
      this.#lastEvent = `${event} at ${this.#time}`
      await sleep(systemClock, this.#options.everyMs)
    }
  }

  async #watch(): Promise<void> {
    while (!this.#isOver) {
      if (this.#resident.length % COLLECT_SAMPLES === COLLECT_SAMPLES - 1) this.#swarm.collect()
      const held = await this.#swarm.heldKiB()
      this.#resident.push(this.#swarm.residentKiB().map((kib, i) => kib - (held[i] ?? 0)))
      this.#used.push({ atMs: performance.now(), seconds: this.#swarm.usedSeconds() })
      if (this.#used.length > USED_MAX) this.#used.shift()
      if (this.#resident.length % 60 === 0) {
        const { answers, wrong, lost, gaps } = this.#report
        const mib = this.#resident.at(-1)?.map((kib) => Math.round(kib / 1024))
        const right = `${answers} answers, ${wrong} wrong, ${lost} lost`
        const layers = held.map((kib) => Math.round(kib / 1024)).join(', ')
        const memory = `${mib?.join(', ')} MiB beside ${layers} of layers and context`
        console.log(`${this.#time}: ${right}; ${gaps.text}; ${memory}`)
      }
      await sleep(systemClock, SAMPLE_MS)
    }
  }

  /** Notices when the whole machine, or this process, stands still. */
  async #listen(): Promise<void> {
    while (!this.#isOver) {
      const dueMs = performance.now() + LISTEN_MS
      await sleep(systemClock, LISTEN_MS)
      const atMs = performance.now()
      this.#late.push({ atMs, ms: atMs - dueMs })
      if (this.#late.length > LISTENED_MAX) this.#late.shift()
    }
  }

  #tell(problem: string): void {
    const text = `${this.#time}: ${problem}`
    console.log(text)
    this.#report.problems.push(text)
  }

  get #time(): string {
    return `${((performance.now() - this.#startMs) / 1000).toFixed(1)} s`
  }
}

async function openAlone(lab: Lab, model: string, request: GenerateRequest): Promise<LocalModel> {
  const signal = new AbortController().signal
  const cacheDir = join(lab.folder, 'alone')
  const how = { threads: 1, memoryBytes: null, needsId: false, cacheDir, log: silentLog }
  return await openLocal({ model, request, ...how, onProgress: () => {} }, signal)
}

async function answerOf(alone: LocalModel, request: GenerateRequest): Promise<GenerateResult> {
  for await (const event of alone.generate(request, new AbortController().signal)) {
    if (event.type === 'done') return event.result
  }
  throw new Error('no result')
}

/** One in four has a prompt that takes a while to read. */
function question(random: Random): GenerateRequest {
  const words = ['one', 'two', 'three', 'time', 'wood', 'tree', 'bright', 'down']
  const length = below(random, 4) === 0 ? 400 : 1 + below(random, 40)
  const prompt = Array.from({ length }, () => words[below(random, words.length)]).join(' ')
  const sampling = {
    temperature: below(random, 3) / 2,
    presencePenalty: below(random, 2) / 2,
    seed: random.uint32()
  }
  return { prompt, maxTokens: 100 + below(random, 400), sampling, stop: [], kvType: 'f16' }
}

/**
 * Of the last tenth over the second: the least of each, because what lies above is garbage: a process that
 * works has 30 MiB of it that one which rests has not, and who works changes.
 * @returns null when there is too little to say so.
 */
export function growthOf(samples: readonly number[]): number | null {
  const tenth = Math.floor(samples.length / 10)
  if (tenth < 5) return null
  const before = Math.min(...samples.slice(tenth, 2 * tenth))
  return Math.min(...samples.slice(-tenth)) / before - 1
}

function told(events: Record<ChurnEvent, number>): string {
  return `${events.join} joined, ${events.leave} left, ${events.kill} killed`
}
