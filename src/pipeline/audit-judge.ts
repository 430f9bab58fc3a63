// Flow B, audit: two routes computed the same token and differ; who is it? Every stage says what its rows
// hashed to. Going through the layers in order, the first place where the stories part names the suspects:
// two neighbours that tell different things of the same rows, or the two machines that made different
// outputs of the same input. Between those two a third computation decides. Who does not say what it computed
// is left out, but not convicted: it may be gone. Pure.

import type { PeerId } from '../wire/ids.ts'
import type { RouteStage } from '../wire/session.ts'
import type { Testimony } from './audit-inquiry.ts'

export interface Suspects {
  /** Peers of the route that answered, and of the one that checked. */
  answer: PeerId[]
  check: PeerId[]
  /** They are suspects for what they did not say, not for what they computed. */
  areSilent: boolean
}

export interface Verdict {
  /** False where only the checker was wrong: the answer goes on as it is. */
  isAnswerWrong: boolean
  /** Peers that are left out from now on. */
  guilty: PeerId[]
  /** Whether it is known to have been wrong; else one of several was, or one said nothing. */
  isCertain: boolean
  areSilent: boolean
}

/**
 * @param idsHash of the ids that the origin knows (audit-trail.ts), which both first stages took in.
 * @param self the origin, whose own machine is believed.
 */
export function suspectsOf(idsHash: string, testimonies: Testimonies, self: PeerId): Suspects {
  const { answer, check, areSilent } = partingOf(idsHash, testimonies)
  const isOther = (peer: PeerId) => peer !== self
  return { answer: answer.filter(isOther), check: check.filter(isOther), areSilent }
}

type Testimonies = { answer: Testimony; check: Testimony }

/** Who stands where the two stories part. */
function partingOf(idsHash: string, { answer, check }: Testimonies): Suspects {
  const silent = { answer: silentOf(answer), check: silentOf(check), areSilent: true }
  if (silent.answer.length + silent.check.length > 0) return silent
  const areSilent = false
  const answerBreak = breakOf(idsHash, answer)
  const checkBreak = breakOf(idsHash, check)
  if (answerBreak !== null || checkBreak !== null) {
    return { answer: answerBreak ?? [], check: checkBreak ?? [], areSilent }
  }
  let start = 0
  for (const [index, { end }] of answer.stages.entries()) {
    const other = check.stages.findIndex((stage) => stage.end === end)
    const isLast = index === answer.stages.length - 1
    if (other < 0) continue
    // What the last stages made of the same input is the token, and that differs.
    if (isLast || answer.claims[index]?.output !== check.claims[other]?.output) {
      const range = { start, end }
      const [ofAnswer, ofCheck] = [answer, check].map(({ stages }) => peersOf(stages, range))
      return { answer: ofAnswer ?? [], check: ofCheck ?? [], areSilent }
    }
    start = end
  }
  return { answer: [], check: [], areSilent }
}

/** @returns null where a third computation must decide. */
export function verdictOf({ answer, check, areSilent }: Suspects): Verdict | null {
  if (areSilent) {
    const guilty = unique([...answer, ...check])
    return { isAnswerWrong: answer.length > 0, guilty, isCertain: false, areSilent }
  }
  // The same machine made two things of the same input.
  const both = answer.filter((peer) => check.includes(peer))
  if (both.length > 0) {
    return { isAnswerWrong: true, guilty: both, isCertain: both.length === 1, areSilent }
  }
  if (answer.length > 0 && check.length > 0) return null
  const guilty = [...answer, ...check]
  return { isAnswerWrong: check.length === 0, guilty, isCertain: guilty.length === 1, areSilent }
}

/** @param third which of the two a third computation agreed with; null: neither, or there was none. */
export function decided({ answer, check }: Suspects, third: 'answer' | 'check' | null): Verdict {
  const areSilent = false
  if (third === null) {
    return { isAnswerWrong: true, guilty: [...answer, ...check], isCertain: false, areSilent }
  }
  const guilty = third === 'answer' ? check : answer
  return { isAnswerWrong: third === 'check', guilty, isCertain: guilty.length === 1, areSilent }
}

function silentOf({ stages, claims }: Testimony): PeerId[] {
  return unique(stages.filter((_, index) => claims[index] === null).map(({ peer }) => peer))
}

/** Where one route contradicts itself: two that tell different things of the same rows. */
function breakOf(idsHash: string, { stages, claims }: Testimony): PeerId[] | null {
  const [first] = stages
  const last = stages.at(-1)
  // The ids of an answer come to the first stage from the last one.
  if (first && last && claims[0]?.input !== idsHash) return unique([first.peer, last.peer])
  for (const [index, claim] of claims.entries()) {
    const next = claims[index + 1]
    if (next === undefined || claim?.output === next?.input) continue
    return unique(
      [stages[index] as RouteStage, stages[index + 1] as RouteStage].map(({ peer }) => peer)
    )
  }
  return null
}

function peersOf(stages: readonly RouteStage[], range: { start: number; end: number }): PeerId[] {
  const inside = stages.filter(({ start, end }) => start >= range.start && end <= range.end)
  return unique(inside.map(({ peer }) => peer))
}

function unique(peers: readonly PeerId[]): PeerId[] {
  return [...new Set(peers)]
}
