// Log lines for people and for programs. Owns levels and the shape of a line; the sink decides where
// it goes (stderr by default, so that stdout stays the answer). The data plane never logs above trace.

import { systemClock } from './clock.ts'

export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error'] as const
export type LogLevel = (typeof LOG_LEVELS)[number]

export interface LogLine {
  wallMs: number
  level: LogLevel
  scope: string
  text: string
}

export interface Log {
  trace(text: string): void
  debug(text: string): void
  info(text: string): void
  warn(text: string): void
  error(text: string): void
  /** The same sink under a longer scope, such as `peer/link`. */
  child(scope: string): Log
}

/** @param level lines below it are dropped before they are built into an object. */
export function createLog(scope: string, level: LogLevel, sink: (line: LogLine) => void): Log {
  const least = LOG_LEVELS.indexOf(level)
  const at = (lineLevel: LogLevel) => {
    const dropped = LOG_LEVELS.indexOf(lineLevel) < least
    return (text: string) => {
      if (!dropped) sink({ wallMs: systemClock.wallMs(), level: lineLevel, scope, text })
    }
  }
  return {
    trace: at('trace'),
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    child: (name) => createLog(`${scope}/${name}`, level, sink)
  }
}

export const silentLog: Log = createLog('', 'error', () => {})
