// Changes settings of this machine, and takes them back. Each change is in the journal before it is made,
// so that a crash at any point leaves nothing that --undo does not know. Both may be run again at any
// time: what is already as wanted is left alone, and so is what somebody else has changed since.

import { isAllowed, type Change } from './setting.ts'

import type { HostFiles } from './files.ts'
import type { Journal } from './journal.ts'

export interface Outcome extends Change {
  /** `kept`: it was so already. `foreign`: somebody else has changed it since; left as it is. */
  result: 'changed' | 'kept' | 'foreign' | 'failed'
  /** What it says now. */
  now: string | null
  /** Why it failed, as the system put it. */
  reason: string | null
}

/** @throws STORE_UNREADABLE, STORE_FULL when the journal cannot be written; what it lacks is not made. */
export function applyChanges(
  changes: readonly Change[],
  files: HostFiles,
  journal: Journal
): Outcome[] {
  return changes.map((change) => {
    // What is there now, not what was printed: time may have passed since.
    const from = files.read(change.path)
    if (isSame(from, change.to)) return { ...change, from, result: 'kept', now: from, reason: null }
    if (!isAllowed(change.path, from) || !isAllowed(change.path, change.to)) {
      const reason = 'it holds something that swarm bridge did not write'
      return { ...change, from, result: 'failed', now: from, reason }
    }
    journal.append({ ...change, from })
    return { ...change, ...write(files, { ...change, from }) }
  })
}

/** Newest first. The journal goes when nothing of it is left to do. @throws STORE_UNREADABLE */
export function undoChanges(files: HostFiles, journal: Journal): Outcome[] {
  const changes = journal.read()
  const outcomes = changes.toReversed().map((change): Outcome => {
    const now = files.read(change.path)
    const back: Change = { ...change, from: change.to, to: change.from }
    if (isSame(now, change.from)) return { ...back, result: 'kept', now, reason: null }
    if (!isSame(now, change.to)) return { ...back, result: 'foreign', now, reason: null }
    return { ...back, ...write(files, back) }
  })
  if (changes.length > 0 && outcomes.every(({ result }) => result !== 'failed')) journal.clear()
  return outcomes
}

function write(
  files: HostFiles,
  { path, from, to }: Change
): Pick<Outcome, 'from' | 'result' | 'now' | 'reason'> {
  try {
    files.write(path, to)
  } catch (error) {
    return { from, result: 'failed', now: files.read(path), reason: (error as Error).message }
  }
  const made = files.read(path)
  if (isSame(made, to)) return { from, result: 'changed', now: made, reason: null }
  // A kernel may take a value and make another of it, which --undo would take for somebody else's.
  quietly(() => files.write(path, from))
  const reason = `the system made ${made ?? 'nothing'} of it`
  return { from, result: 'failed', now: files.read(path), reason }
}

function quietly(work: () => void): void {
  try {
    work()
  } catch {
    // What is there now is read and told in any case.
  }
}

/** The kernel separates the numbers of one setting by tabs, people by spaces. */
function isSame(a: string | null, b: string | null): boolean {
  return words(a) === words(b)
}

function words(text: string | null): string | null {
  return text === null ? null : text.trim().replace(/[ \t]+/g, ' ')
}
