// Flow B, how a question gets its session: a route is tried, another where that helps, and where the stages
// have no room the question waits in line until it is its turn (own-line.ts). A session opens on all of its
// stages or is given back by all, and nothing is held by who waits: so two questions never wait for each
// other. Owns the tries of one question; what happens once the session is open is text-generator.ts.

import { sleep } from '../base/clock.ts'
import { SwarmError } from '../base/errors.ts'
import { ADMISSION_WAIT_MS } from '../base/limits.ts'
import { unit, type Random } from '../base/random.ts'

import type { Clock } from '../base/clock.ts'
import type { OwnLine, Queued } from './own-line.ts'
import type { Route } from './route.ts'
import type { RouteSearch } from './route-search.ts'
import type { Session } from './session.ts'

/** Before a route that could not be opened is tried again. */
const ROUTE_RETRY_MS = 250
/** Mean time until who waits asks again: drawn, so that two origins do not refuse each other in step. */
const ROOM_RETRY_MS = 500

/** Why there is no session yet; with how many come first where the question waits for room. */
export interface Waiting {
  waiting: string
  before?: number
}

export interface TurnOpeningComponents<Step extends object> {
  search: RouteSearch
  line: OwnLine
  /** A session that was not opened yet. @param ticket of this peer's place in line. */
  create: (route: Route, ticket: number) => Session
  /** One turn on it; a step with an event says that it is open. */
  steps: (session: Session) => AsyncIterable<Step>
  clock: Clock
  random: Random
}

/** All steps of one turn. @throws what they throw; STAGE_FULL after ADMISSION_WAIT_MS in line. */
export async function* openTurn<Step extends object>(
  components: TurnOpeningComponents<Step>,
  signal: AbortSignal
): AsyncGenerator<Step | Waiting, void> {
  const { search, line, create, steps, clock, random } = components
  const startedMs = clock.now()
  const number = line.arrive()
  let queued: Queued | null = line.isEmpty ? null : line.join(number)
  let reason = 'others wait for room'
  try {
    for (let told = -1; ;) {
      if (queued === null || queued.isFirst) {
        const session = create(search.route, queued === null ? 0 : line.ticket)
        let hasOpened = false
        try {
          for await (const step of steps(session)) {
            hasOpened ||= 'event' in step
            if (hasOpened && queued !== null) {
              line.admitted(queued)
              queued = null
            }
            yield step
          }
          return
        } catch (error) {
          void session.close()
          if (hasOpened) throw error
          const place = error instanceof SwarmError ? error.place : null
          if (place === null) {
            const waiting = search.next(error, clock.now())
            if (waiting === null) continue
            yield { waiting }
            await sleep(clock, ROUTE_RETRY_MS, signal)
            continue
          }
          queued ??= line.join(number)
          if (queued.isFirst) line.refused(place)
          reason = (error as SwarmError).message
          search.refresh()
        }
      }
      if (clock.now() - startedMs > ADMISSION_WAIT_MS) throw waitedError(reason)
      if (queued.before !== told) yield { waiting: reason, before: queued.before }
      told = queued.before
      await sleep(clock, ROOM_RETRY_MS * (0.5 + unit(random)), signal)
    }
  } finally {
    queued?.leave()
  }
}

function waitedError(reason: string): SwarmError {
  const text = `no room after ${ADMISSION_WAIT_MS / 1000} s in line: ${reason}`
  return new SwarmError('STAGE_FULL', text)
}
