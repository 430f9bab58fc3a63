// --until-eof: ends a command when standard input ends. A program that starts peers gives them a pipe;
// however it dies, the pipe closes and none of them is left behind.

import { abortError } from '../base/errors.ts'
import type { CommandContext } from './context.ts'

/** The command's signal, with the end of standard input as one more reason where that is asked for. */
export function stopSignal({ flags, host, signal }: CommandContext): AbortSignal {
  if (!flags['until-eof']) return signal
  const ended = new AbortController()
  const onEnd = (): void => ended.abort(abortError())
  host.stdin.once('end', onEnd).once('close', onEnd).once('error', onEnd).resume()
  return AbortSignal.any([signal, ended.signal])
}
