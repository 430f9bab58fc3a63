// Asks a program of the operating system that may not be installed, such as ethtool or nft. Only ever to
// read: what is changed is changed through files (files.ts), so that it can be undone.

import { execFile } from 'node:child_process'

/** @returns what it printed; null when it is not there, refuses or hangs. */
export type Run = (file: string, args: readonly string[]) => Promise<string | null>

const TIMEOUT_MS = 2000
/** A large set of firewall rules. */
const OUTPUT_BYTES_MAX = 2 ** 20

export function programRunner(env: NodeJS.ProcessEnv): Run {
  // Ordinary users have no sbin in their path.
  const path = `${env['PATH'] ?? ''}:/usr/sbin:/sbin`
  const options = { timeout: TIMEOUT_MS, maxBuffer: OUTPUT_BYTES_MAX, env: { PATH: path } }
  return (file, args) =>
    new Promise((resolve) => {
      execFile(file, args, options, (error, stdout) => resolve(error === null ? stdout : null))
    })
}
