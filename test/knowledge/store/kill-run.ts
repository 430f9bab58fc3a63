// Kills a process in the middle of its appends, round after round on the same store, and looks each time at
// what is left: it opens, everything that was acknowledged is found, and a replica that is joined now and
// then never sees a log that contradicts itself.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

import { sleep, systemClock } from '../../../src/base/clock.ts'
import { below, seededRandom } from '../../../src/base/random.ts'
import { until } from '../../helpers/until.ts'
import { Installation, identity, join } from '../knowledge-rig.ts'

import type { Test } from 'brittle'

const WRITER = fileURLToPath(new URL('writer-child.js', import.meta.url))

/** Rounds between two meetings with the replica. */
const MEETING_ROUNDS = 5

export interface KillReport {
  rounds: number
  /** Entries that were acknowledged, in all rounds. */
  acknowledged: number
  /** Entries of this store that are there without having been acknowledged. */
  unacknowledged: number
  /** What went wrong, each with its round. */
  problems: string[]
}

/** @param folders of the one that is killed and of its replica, both empty. */
export async function killRun(
  t: Pick<Test, 'teardown'>,
  seed: number,
  rounds: number,
  folders: [string, string]
): Promise<KillReport> {
  const random = seededRandom(seed)
  const report: KillReport = { rounds, acknowledged: 0, unacknowledged: 0, problems: [] }
  const own = new Installation(folders[0])
  const replica = new Installation(folders[1], { identity: identity(2) })
  await replica.open()
  const said: string[] = []
  for (let round = 0; round < rounds && report.problems.length === 0; round++) {
    const problem = (text: string) => report.problems.push(`seed ${seed}, round ${round}: ${text}`)
    const fresh = await killedAfter(folders[0], round, below(random, 40), random.uint32())
    said.push(...fresh)
    report.acknowledged += fresh.length
    try {
      await own.open()
    } catch (error) {
      problem(`it does not open: ${String(error)}`)
      break
    }
    const found = [...own.index.facts.values()].map(({ fact }) => fact)
    const texts = new Set(found.map(({ answer }) => answer))
    const lost = said.filter((text) => !texts.has(text))
    if (lost.length > 0) problem(`${lost.length} acknowledged entries are lost, such as ${lost[0]}`)
    const blind = found.filter(
      ({ id, answer }) => said.includes(answer) && !own.index.basins.has(id)
    )
    if (blind.length > 0) problem(`${blind.length} acknowledged entries have no vector`)
    report.unacknowledged = texts.size - said.length
    // Nothing but the process was lost, so there is nothing to wait for and no reason for another log.
    if (own.kinds.length > 0) problem(`it says ${own.events[0]?.text}`)
    if (round % MEETING_ROUNDS === MEETING_ROUNDS - 1 || round === rounds - 1) {
      const joint = await join(t as Test, own, replica)
      await until(() => own.index.basins.size === replica.index.basins.size)
      await joint.cut()
      if (replica.kinds.length > 0) problem(`the replica says ${replica.events[0]?.text}`)
    }
    await own.close()
  }
  await replica.close()
  return report
}

/** Runs a writer until some entries are acknowledged, and a moment longer. @returns those. */
async function killedAfter(
  folder: string,
  round: number,
  count: number,
  seed: number
): Promise<string[]> {
  const child = spawn(process.execPath, [WRITER, folder, String(round), String(seed)], {
    stdio: ['ignore', 'pipe', 'inherit']
  })
  const lines: string[] = []
  const closed = once(child, 'close')
  const reader = createInterface({ input: child.stdout })
  reader.on('line', (line) => lines.push(line))
  await until(() => lines.length > count || child.exitCode !== null)
  // At no particular point of the next append.
  await sleep(systemClock, (seed % 1000) / 100)
  child.kill('SIGKILL')
  await closed
  return lines.slice(1)
}
