// What one check of `swarm doctor` says: one line, and the way out where there is something to mend.

export interface Diagnosis {
  /** What was looked at: `node`, `firewall`, or a peer's name. */
  check: string
  /** `note`: worth knowing, nothing to do; `fix`: swarm works worse, or not at all, until it is mended. */
  level: 'ok' | 'note' | 'fix'
  /** One sentence. Names of peers in it are foreign text. */
  text: string
  /** What to type or do; null when nothing is to be done. */
  fix: string | null
}

export function ok(check: string, text: string): Diagnosis {
  return { check, level: 'ok', text, fix: null }
}

export function note(check: string, text: string, fix: string | null = null): Diagnosis {
  return { check, level: 'note', text, fix }
}

export function mend(check: string, text: string, fix: string): Diagnosis {
  return { check, level: 'fix', text, fix }
}
