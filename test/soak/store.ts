// A store whose process is killed in the middle of its appends, again and again (test/knowledge/store/
// kill-run.ts): 100 times by default.

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { killRun } from '../knowledge/store/kill-run.ts'

/** @param count kills. */
export async function soakStore(seed: number, count: number): Promise<boolean> {
  const folder = await mkdtemp(join(tmpdir(), 'swarm-soak-'))
  const work: (() => unknown)[] = []
  try {
    const t = { teardown: (fn: () => unknown) => void work.push(fn) }
    const folders: [string, string] = [join(folder, 'killed'), join(folder, 'replica')]
    const report = await killRun(t, seed, count, folders)
    console.log(JSON.stringify(report))
    return report.problems.length === 0
  } finally {
    for (const fn of work) await fn()
    await rm(folder, { recursive: true, force: true })
  }
}
