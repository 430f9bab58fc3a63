// Gathers what the checks of `swarm doctor` judge. Reads this machine only; what it tries over the network
// never leaves it (self-reach.ts). Whatever cannot be read is null, so that one missing file costs one
// line of the answer.

import { accessSync, constants, existsSync, statSync, statfsSync } from 'node:fs'
import { freemem } from 'node:os'
import { dirname, join } from 'node:path'

import { toSwarmError } from '../../base/errors.ts'
import { lockHolder } from '../../base/file-lock.ts'
import { loadKernels } from '../../compute/addon.ts'
import { freeMemoryBytes } from '../../sharding/memory.ts'
import { readInterfaces } from '../interfaces.ts'
import { programRunner } from '../run-program.ts'
import { readFirewall } from './firewall.ts'
import { reachSelf } from './self-reach.ts'

import type { Clock } from '../../base/clock.ts'
import type { Random } from '../../base/random.ts'
import type { HostFiles } from '../files.ts'
import type { DataDirFacts, KernelFacts, MachineFacts } from './facts.ts'

export interface GatherOptions {
  files: HostFiles
  env: NodeJS.ProcessEnv
  dataDir: string
  socketPath: string
  nodeVersion: string
  programVersion: string
  clock: Clock
  random: Random
}

/** Flags of /proc/cpuinfo that decide which kernel table can run (x86-64, then aarch64). */
const CPU_FLAGS = ['avx2', 'fma', 'f16c', 'avx_vnni', 'avx512f', 'avx512_vnni', 'asimd', 'asimddp']

export async function gatherMachine(options: GatherOptions): Promise<MachineFacts> {
  const { files, env, clock, random, nodeVersion, programVersion } = options
  const interfaces = readInterfaces(files)
  const own = interfaces
    .filter(({ kind, isUp }) => kind !== 'loopback' && isUp)
    .flatMap(({ name, addresses }) =>
      addresses.map(({ address }) => (/^fe[89ab]/i.test(address) ? `${address}%${name}` : address))
    )
  return {
    nodeVersion,
    programVersion,
    wallMs: clock.wallMs(),
    kernels: kernelFacts(env),
    cpuFlags: cpuFlags(files.read('/proc/cpuinfo') ?? ''),
    hugePages: hugePageMode(files.read('/sys/kernel/mm/transparent_hugepage/enabled')),
    freeMemoryBytes: freeMemoryBytes(freemem(), (path) => files.read(path)),
    openFilesMax: openFilesMax(files.read('/proc/self/limits')),
    dataDir: dataDirFacts(options),
    interfaces,
    firewall: await readFirewall(files, programRunner(env)),
    selfReach: await reachSelf(own, clock, random)
  }
}

function kernelFacts(env: NodeJS.ProcessEnv): KernelFacts {
  const forced = env['SWARM_KERNELS'] || null
  try {
    const { table, available } = loadKernels()
    return { table, available, forced, error: null }
  } catch (error) {
    const { message } = toSwarmError(error, 'NATIVE_FAILED')
    return { table: null, available: [], forced, error: message }
  }
}

export function cpuFlags(cpuinfo: string): string[] {
  const found = new Set(/^(?:flags|Features)\s*:(.*)$/m.exec(cpuinfo)?.[1]?.trim().split(/\s+/))
  return CPU_FLAGS.filter((flag) => found.has(flag))
}

export function hugePageMode(text: string | null): string | null {
  return /\[(\w+)\]/.exec(text ?? '')?.[1] ?? null
}

export function openFilesMax(limits: string | null): number | null {
  const soft = /^Max open files\s+(\d+)/m.exec(limits ?? '')?.[1]
  return soft === undefined ? null : Number(soft)
}

function dataDirFacts({ dataDir: path, socketPath }: GatherOptions): DataDirFacts {
  const identityPath = join(path, 'identity')
  return {
    path,
    state: !existsSync(path) ? 'absent' : isWritable(path) ? 'writable' : 'not writable',
    freeBytes: freeBytes(path),
    identityMode: existsSync(identityPath) ? statSync(identityPath).mode & 0o777 : null,
    lockHolder: lockHolder(join(path, 'lock')),
    hasSocket: existsSync(socketPath)
  }
}

function isWritable(path: string): boolean {
  try {
    accessSync(path, constants.W_OK | constants.X_OK)
    return true
  } catch {
    return false
  }
}

/** Of the disk where the folder is, or will be. */
function freeBytes(path: string): number | null {
  try {
    const { bavail, bsize } = statfsSync(path)
    return bavail * bsize
  } catch {
    const parent = dirname(path)
    return parent === path ? null : freeBytes(parent)
  }
}
