// What every way of capturing a failed command gives, and all that explaining one needs. Only the shape:
// spool, tmux, watch and pipe make it; why.ts reads it.

/** A command that failed. Texts are as they were on the terminal: not yet redacted, not yet printable. */
export interface Failure {
  command: string
  status: number
  cwd: string
  durationMs: number | null
  wallMs: number
  /** Standard error, or what the terminal showed; null where nothing could capture it. */
  output: string | null
  source: 'spool' | 'tmux' | 'watch' | 'pipe'
}
