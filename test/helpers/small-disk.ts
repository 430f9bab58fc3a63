// A disk of a given size for one test: a tmpfs, where mounting one is permitted.

import { execFileSync } from 'node:child_process'
import type { Test } from 'brittle'

export interface SmallDisk {
  folder: string
  /** Makes it larger while it is in use. */
  grow(sizeMiB: number): void
}

/** @returns null, with the reason printed, where it is not permitted. */
export async function smallDisk(t: Test, sizeMiB: number): Promise<SmallDisk | null> {
  const folder = await t.tmp()
  const mount = (options: string) => {
    execFileSync('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', folder], { stdio: 'pipe' })
  }
  try {
    mount(`size=${sizeMiB}m`)
  } catch (error) {
    const { stderr = '' } = error as { stderr?: Buffer | string }
    t.comment(`skipped: no file system can be mounted here: ${String(stderr).trim() || error}`)
    return null
  }
  t.teardown(() => execFileSync('umount', ['-l', folder]), { order: 2 })
  return { folder, grow: (size) => mount(`remount,size=${size}m`) }
}
