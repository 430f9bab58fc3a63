// A swarm of real processes in which layers are held twice, for tests, soaks and benches that lose one of
// them in mid-answer. Owns the ways in which a process can go, an answer that is read with the time of
// everything that is told of it, and that a lost peer is back before the next answer.

import { endlessModel } from './endless.ts'
import { until } from './until.ts'
import type { JoinOptions, Lab, LabPeer } from './swarm-lab.ts'

import type { GenerateEvent, GenerateRequest, GenerateResult } from '../../src/api/service.ts'
import type { RouteStage } from '../../src/wire/session.ts'

export type Way = 'killed' | 'frozen' | 'stopped'

export const WAYS: readonly Way[] = ['killed', 'frozen', 'stopped']

/** What happened between the loss of a stage and the next token or chunk, seen from whoever asked. */
export interface Pause {
  totalMs: number
  /** From the loss to the first word of it. */
  detectMs: number
  /** From then until another route was open. */
  rerouteMs: number
  /** From then until the answer moved: lost layers are computed again, then a token. */
  refillMs: number
  refillTokens: number
}

/** An answer as it comes in. */
export class WatchedAnswer {
  readonly events: { event: GenerateEvent; atMs: number }[] = []
  /** As they were streamed. */
  readonly ids: number[] = []
  readonly ended: Promise<void>
  result: GenerateResult | null = null
  error: unknown = null
  #isOver = false

  constructor(events: AsyncIterable<GenerateEvent>) {
    this.ended = this.#read(events)
  }

  async #read(events: AsyncIterable<GenerateEvent>): Promise<void> {
    try {
      for await (const event of events) {
        this.events.push({ event, atMs: performance.now() })
        if (event.type === 'text') this.ids.push(...event.ids)
        if (event.type === 'done') this.result = event.result
      }
    } catch (error) {
      this.error = error
    }
    this.#isOver = true
  }

  /** Resolves when there are so many tokens, or so many chunks of the prompt, or the answer is over. */
  async reached({ tokens = 0, chunks = 0 }: { tokens?: number; chunks?: number }): Promise<void> {
    await until(() => {
      const nChunks = this.events.filter(({ event }) => event.type === 'prefill').length
      return this.#isOver || (this.ids.length >= tokens && nChunks >= chunks)
    })
  }

  /** Resolves when this peer has no stage of the answer any more, or the answer is over. */
  async without(peer: string): Promise<void> {
    await until(() => this.#isOver || this.stages.every((stage) => stage.peer !== peer))
  }

  /** Of the newest route. */
  get stages(): RouteStage[] {
    const last = this.events.findLast(({ event: { type } }) => {
      return type === 'route' || type === 'rerouted'
    })?.event
    return last?.type === 'route' || last?.type === 'rerouted' ? last.stages : []
  }

  /** Every time the answer lost a stage or found no route: what it said. */
  get reasons(): string[] {
    return this.events.flatMap(({ event }) => (event.type === 'rerouting' ? [event.reason] : []))
  }

  /** Null when the answer did not notice a loss at `lostMs`. */
  pause(lostMs: number): Pause | null {
    const after = this.events.filter(({ atMs }) => atMs >= lostMs)
    const told = after.find(({ event }) => event.type === 'rerouting')
    const moved = after.find(({ event, atMs }) => {
      return told !== undefined && atMs >= told.atMs && isProgress(event)
    })
    if (told === undefined || moved === undefined) return null
    const open = after.findLast(({ event, atMs }) => {
      return event.type === 'rerouted' && atMs <= moved.atMs
    })
    if (open?.event.type !== 'rerouted') return null
    return {
      totalMs: moved.atMs - lostMs,
      detectMs: told.atMs - lostMs,
      rerouteMs: open.atMs - told.atMs,
      refillMs: moved.atMs - open.atMs,
      refillTokens: open.event.refillTokens
    }
  }
}

export class LossLab {
  readonly lab: Lab
  readonly model: string
  readonly peers: LabPeer[]
  readonly keys: string[]

  /**
   * @param nStages of the plan: fewer than there are pins.
   * @param places where each runs; all on this machine when absent.
   */
  static async open(
    lab: Lab,
    pins: readonly string[],
    nStages: number,
    { model, places }: { model?: string; places?: readonly JoinOptions[] } = {}
  ): Promise<LossLab> {
    const path = model ?? (await endlessModel(lab))
    const where = places === undefined ? {} : { places }
    const peers = await lab.pinned(path, pins, { nStages, ...where })
    await Promise.all(peers.map((peer) => peer.event('layers')))
    const keys = await Promise.all(peers.map((peer) => peer.key()))
    const losses = new LossLab(lab, path, peers, keys)
    await losses.met()
    return losses
  }

  constructor(lab: Lab, model: string, peers: LabPeer[], keys: string[]) {
    this.lab = lab
    this.model = model
    this.peers = peers
    this.keys = keys
  }

  ask(origin: LabPeer, request: GenerateRequest): WatchedAnswer {
    return new WatchedAnswer(origin.client.generate(request))
  }

  /** What the answer is when nobody goes. */
  async undisturbed(origin: LabPeer, request: GenerateRequest): Promise<GenerateResult> {
    const answer = this.ask(origin, request)
    await answer.ended
    if (answer.result === null || answer.reasons.length > 0) {
      throw new Error(`disturbed: ${answer.reasons.join()} ${String(answer.error)}`)
    }
    return answer.result
  }

  peerOf({ peer }: RouteStage): LabPeer {
    return this.peers[this.keys.indexOf(peer)] as LabPeer
  }

  /** Who has this stage of the one session of `origin` now: two equal questions may go two ways. */
  async computing(origin: LabPeer, index: number): Promise<LabPeer> {
    const [session] = (await origin.client.top()).sessions.own
    return this.peers[this.keys.indexOf(session?.route[index] as string)] as LabPeer
  }

  keyOf(peer: LabPeer): string {
    return this.keys[this.peers.findIndex(({ dataDir }) => dataDir === peer.dataDir)] as string
  }

  /** @returns when. */
  lose(peer: LabPeer, way: Way): number {
    if (way === 'killed') peer.command.signal('SIGKILL')
    else if (way === 'frozen') peer.command.signal('SIGSTOP')
    // What `swarm stop` does, without the start of a process.
    else void peer.client.stop()
    return performance.now()
  }

  /** Resolves when the peer serves again, and every other knows it. */
  async bringBack(peer: LabPeer, way: Way): Promise<LabPeer> {
    const index = this.peers.indexOf(peer)
    let back = peer
    if (way === 'frozen') peer.command.signal('SIGCONT')
    else {
      await peer.command.ended
      back = this.lab.restart(peer)
      this.peers[index] = back
      await back.event('layers')
    }
    await this.met()
    return back
  }

  /** Resolves when every peer reaches all the others. */
  async met(): Promise<void> {
    for (const peer of this.peers) await this.#sees(peer, this.keys)
  }

  /** Resolves when no peer computes anything for anybody. */
  async idle(): Promise<void> {
    await Promise.all(this.peers.map((peer) => peer.idle()))
  }

  /** Resolves when this peer reaches all of them, and knows what they hold. */
  async #sees(peer: LabPeer, keys: readonly string[]): Promise<void> {
    await until(async () => {
      const seen = await peer.client.peers()
      return keys.every((key) =>
        seen.some((one) => one.key === key && one.lane !== null && one.held.length > 0)
      )
    })
  }
}

function isProgress(event: GenerateEvent): boolean {
  return event.type === 'text' || event.type === 'prefill' || event.type === 'done'
}
