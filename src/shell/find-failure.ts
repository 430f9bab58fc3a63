// The failure that `swarm why` is about: what comes through a pipe, else the later of the last failure that
// the hook noted and the last one under `swarm watch`; with what the pane shows of it inside tmux.

import { capturedOutput } from './capture.ts'
import type { Failure } from './failure.ts'
import { pipedFailure, readPiped } from './piped.ts'
import { failureOf, lastFailed, Spool } from './spool.ts'
import { readWatched } from './watched.ts'

export interface FailureSearch {
  /** Of the hook in the runtime folder. */
  folder: string
  /** The shell that asks: this process's parent. */
  shellPid: number
  env: NodeJS.ProcessEnv
  cwd: string
  wallMs: number
  /** Standard input where something is piped into it; null on a terminal. */
  piped: AsyncIterable<Uint8Array> | null
}

/** @returns null when nothing failed that anybody noted. */
export async function findFailure(
  search: FailureSearch,
  signal?: AbortSignal
): Promise<Failure | null> {
  const { folder, shellPid, env, piped } = search
  const text = piped === null ? '' : await readPiped(piped)
  const records = new Spool(folder).read()
  // Standard input is no terminal in scripts and editors either: an empty one says nothing.
  if (text !== '') return pipedFailure(text, records, shellPid, search)
  const noted = lastFailed(records, shellPid)
  const watched = readWatched(folder)
  if (watched !== null && (noted === null || watched.wallMs > noted.wallMs)) return watched
  if (noted === null) return null
  // Another shell's output is on another screen.
  const isHere = noted.shellPid === shellPid
  const output = isHere ? await capturedOutput(noted.command, env, signal) : null
  return output === null ? failureOf(noted) : { ...failureOf(noted), output, source: 'tmux' }
}
