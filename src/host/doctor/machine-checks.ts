// What can be wrong with this machine itself: program, processor, memory, folders. One small function per
// check, facts in, a diagnosis out; none of them looks at anything by itself.

import { formatSize } from '../../base/text.ts'
import { mend, note, ok, type Diagnosis } from './diagnosis.ts'

import type { DoctorFacts } from './facts.ts'

/** package.json's engines. */
const NODE_MAJOR_MIN = 20
/** A small model's layers and KV cache; below it a peer can be seen and do nothing. */
const MEMORY_MIN_BYTES = 512 * 2 ** 20
/** A link, a lane and a few files per peer of 64, and the control socket's clients. */
const OPEN_FILES_MIN = 1024
/** Logs and records of a long time; weights that are fetched need more, and say so. */
const DISK_MIN_BYTES = 2 ** 30

export function nodeVersion({ machine }: DoctorFacts): Diagnosis {
  const { nodeVersion, programVersion } = machine
  const major = Number(/^v?(\d+)/.exec(nodeVersion)?.[1] ?? 0)
  if (major >= NODE_MAJOR_MIN) return ok('node', `${nodeVersion}, swarm ${programVersion}`)
  const text = `swarm needs Node ${NODE_MAJOR_MIN} or newer, this is ${nodeVersion}`
  return mend('node', text, 'install a newer Node, for example from nodejs.org')
}

export function kernels({ machine }: DoctorFacts): Diagnosis {
  const { table, available, forced, error } = machine.kernels
  if (table === null) {
    const text = error ?? 'the native addon cannot be used, so this machine does not compute'
    return mend('kernels', text, 'install a C++17 compiler and CMake 3.15, then: npm rebuild')
  }
  const flags = machine.cpuFlags.length === 0 ? 'none known' : machine.cpuFlags.join(' ')
  const best = available[0] ?? table
  if (forced !== null && table !== best) {
    const text = `${table}, forced by SWARM_KERNELS, though this processor runs ${best} (${flags})`
    return note('kernels', text, 'unset SWARM_KERNELS')
  }
  return ok('kernels', `${table}, the best of ${available.join(', ')} (processor: ${flags})`)
}

export function hugePages({ machine: { hugePages } }: DoctorFacts): Diagnosis {
  if (hugePages !== 'never')
    return ok('huge pages', `${hugePages ?? 'unknown here'}; none to set up`)
  const text = 'transparent huge pages are off: weights are read up to 15 % slower, nothing else'
  return note('huge pages', text, 'echo madvise > /sys/kernel/mm/transparent_hugepage/enabled')
}

export function memory({ machine: { freeMemoryBytes } }: DoctorFacts): Diagnosis {
  const free = `${formatSize(freeMemoryBytes)} can still be allocated`
  if (freeMemoryBytes >= MEMORY_MIN_BYTES) return ok('memory', free)
  return mend(
    'memory',
    `only ${free}; layers need more`,
    'close other programs, or raise the limit'
  )
}

export function openFiles({ machine: { openFilesMax } }: DoctorFacts): Diagnosis {
  if (openFilesMax === null) return ok('open files', 'no limit known')
  if (openFilesMax >= OPEN_FILES_MIN) return ok('open files', `up to ${openFilesMax}`)
  const text = `at most ${openFilesMax}; a peer of a large topic needs up to ${OPEN_FILES_MIN}`
  return mend('open files', text, `ulimit -n ${OPEN_FILES_MIN}`)
}

export function dataDir({ machine: { dataDir } }: DoctorFacts): Diagnosis {
  const { path, state } = dataDir
  if (state === 'absent') return ok('data', `${path} is made by the first swarm join`)
  if (state === 'writable') return ok('data', `${path} can be written`)
  return mend('data', `${path} cannot be written`, `chown -R "$(id -un)" '${path}'`)
}

export function disk({ machine: { dataDir } }: DoctorFacts): Diagnosis {
  if (dataDir.freeBytes === null) return ok('disk', 'free space unknown')
  const text = `${formatSize(dataDir.freeBytes)} free for ${dataDir.path}`
  if (dataDir.freeBytes >= DISK_MIN_BYTES) return ok('disk', text)
  return mend('disk', `only ${text}`, 'free some space, or give a --data-dir on another disk')
}

export function identity({ machine: { dataDir } }: DoctorFacts): Diagnosis {
  const { identityMode, path } = dataDir
  if (identityMode === null) return ok('identity', 'is made by the first swarm join')
  if ((identityMode & 0o077) === 0) return ok('identity', `${path}/identity is private`)
  const text = `others can read ${path}/identity (mode ${identityMode.toString(8)}); swarm join refuses it`
  return mend('identity', text, `chmod 600 '${path}/identity'`)
}

/** The lock is the system's and goes with its process, so a stale one means a process that is stuck. */
export function lock({ machine: { dataDir }, running, silence }: DoctorFacts): Diagnosis {
  const { lockHolder, hasSocket } = dataDir
  if (silence !== null) {
    const fix = lockHolder === null ? 'start it anew: swarm join TOPIC' : `kill ${lockHolder}`
    return mend('lock', silence, fix)
  }
  if (running !== null) return ok('lock', `held by the running peer, process ${lockHolder ?? '?'}`)
  if (lockHolder !== null) {
    const text =
      `process ${lockHolder} holds the data directory, but its control socket is not where it is ` +
      'looked for: it is stuck, or was started with another XDG_RUNTIME_DIR'
    return mend('lock', text, `kill ${lockHolder}`)
  }
  if (hasSocket) {
    return ok('lock', 'free; a killed peer left its control socket, which the next one replaces')
  }
  return ok('lock', 'free; no peer is running')
}

export function time({ machine: { wallMs } }: DoctorFacts): Diagnosis {
  const shown = new Date(wallMs).toISOString().slice(0, 16).replace('T', ' ')
  return ok('time', `${shown} UTC; shown beside what peers learn, no decision depends on it`)
}
