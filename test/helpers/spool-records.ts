// Records as the hook in zsh writes them (src/shell/hook.zsh), for tests that need no shell.

import type { SpoolRecord } from '../../src/shell/spool-record.ts'

export function spoolRecord(fields: Partial<SpoolRecord>): SpoolRecord {
  return {
    kind: 'ended',
    shellPid: 100,
    status: 1,
    wallMs: 1_700_000_000_000,
    durationMs: 5,
    cwd: '/work',
    command: 'make',
    ...fields
  }
}

export function spoolBytes(...records: SpoolRecord[]): Buffer {
  return Buffer.concat(
    records.map(({ kind, shellPid, status, wallMs, durationMs, cwd, command }) =>
      Buffer.from(
        ['', 'swarm1', kind, shellPid, status, wallMs, durationMs, cwd, command, '\n'].join('\0')
      )
    )
  )
}
