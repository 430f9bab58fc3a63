// Where things lie on this machine, by the XDG base directory specification. The data directory decides
// the control socket: its real path is hashed, because a socket's path has room for 107 bytes only.

import { createHash } from 'node:crypto'
import { lstatSync, mkdirSync, realpathSync, statSync, type Stats } from 'node:fs'
import { homedir } from 'node:os'
import { dirname, isAbsolute, join, resolve } from 'node:path'
import { SwarmError } from '../base/errors.ts'
import { SOCKET_PATH_BYTES_MAX } from '../base/limits.ts'

/** Hexadecimal digits of the hash in a socket's name: two directories of one user never share it. */
const NAME_DIGITS = 16
const SUFFIX = '.sock'
const SOCKET_NAME_BYTES = NAME_DIGITS + SUFFIX.length

/** The data directory as an absolute path; it need not exist. */
export function dataDirPath(given: string | undefined, env: NodeJS.ProcessEnv): string {
  if (given === undefined) return join(xdg(env, 'XDG_DATA_HOME', '.local/share'), 'swarm')
  // A shell expands ~ only where a word begins with it, so not in --data-dir=~/x.
  return resolve(given.startsWith('~/') ? join(homedir(), given.slice(2)) : given)
}

/** Where what may be forgotten is kept; it need not exist. */
export function cacheDirPath(env: NodeJS.ProcessEnv): string {
  return join(xdg(env, 'XDG_CACHE_HOME', '.cache'), 'swarm')
}

/** Makes the data directory, for its owner only. @throws STORE_UNREADABLE */
export function makeDataDir(path: string): void {
  makeFolder(path, 'the data directory')
}

/**
 * The control socket of a data directory. The same for every path that leads there.
 * @throws STORE_UNREADABLE when the runtime folder belongs to somebody else.
 */
export function controlSocketPath(dataDir: string, env: NodeJS.ProcessEnv): string {
  return join(runtimeDir(env), nameOf(dataDir) + SUFFIX)
}

/** The folder where shells of this user leave word for a data directory; it need not exist. */
export function hookFolderPath(dataDir: string, env: NodeJS.ProcessEnv): string {
  return join(runtimeDir(env), `${nameOf(dataDir)}.hook`)
}

/** Makes the folder of the control socket. @throws STORE_UNREADABLE */
export function makeRuntimeDir(env: NodeJS.ProcessEnv): void {
  makeFolder(runtimeDir(env), 'the runtime folder')
}

/**
 * In $XDG_RUNTIME_DIR, else in systemd's folder of this user (a cron job has no variable but means the
 * same peer), else in /tmp: the first that is this user's own and leaves room for a socket's name.
 */
function runtimeDir(env: NodeJS.ProcessEnv): string {
  const uid = process.getuid?.() ?? 0
  for (const base of [env['XDG_RUNTIME_DIR'] ?? '', `/run/user/${uid}`]) {
    const folder = join(base, 'swarm')
    const roomBytes = SOCKET_PATH_BYTES_MAX - Buffer.byteLength(folder)
    if (isAbsolute(base) && isOwn(statOf(base, statSync)) && roomBytes > SOCKET_NAME_BYTES) {
      return folder
    }
  }
  // Not os.tmpdir(): TMPDIR differs between sessions, and both ends have to find the same folder.
  const folder = `/tmp/swarm-${uid}`
  const stat = statOf(folder, lstatSync)
  // Anybody may make folders there: a stranger's must not be taken for ours.
  if (stat !== undefined && !isOwn(stat)) {
    throw new SwarmError(
      'STORE_UNREADABLE',
      `${folder} belongs to another user; set XDG_RUNTIME_DIR to a folder of your own`
    )
  }
  return folder
}

function nameOf(dataDir: string): string {
  const hash = createHash('sha256').update(realPath(dataDir)).digest('hex')
  return hash.slice(0, NAME_DIGITS)
}

function isOwn(stat: Stats | undefined): boolean {
  return stat?.isDirectory() === true && stat.uid === (process.getuid?.() ?? stat.uid)
}

function statOf(path: string, read: typeof statSync): Stats | undefined {
  try {
    return read(path, { throwIfNoEntry: false })
  } catch {
    // Behind a file, or in a folder that may not be entered: not there for us.
    return undefined
  }
}

function makeFolder(path: string, name: string): void {
  try {
    makeParents(path)
  } catch (error) {
    const cause = error instanceof Error ? error.message : String(error)
    throw new SwarmError('STORE_UNREADABLE', `${name} cannot be made: ${cause}`, { cause: error })
  }
}

// Step by step: mkdirSync({ recursive }) of Node 20 never returns where a folder can hold no other,
// such as /proc.
function makeParents(path: string): void {
  if (statOf(path, statSync)?.isDirectory()) return
  const parent = dirname(path)
  if (parent !== path) makeParents(parent)
  try {
    mkdirSync(path, { mode: 0o700 })
  } catch (error) {
    // Another process of the same user may have been first.
    if (!statOf(path, statSync)?.isDirectory()) throw error
  }
}

function realPath(path: string): string {
  try {
    return realpathSync(path)
  } catch {
    // Nothing is there yet, so nothing can run there; the name only has to be some socket's.
    return resolve(path)
  }
}

function xdg(env: NodeJS.ProcessEnv, name: string, fallback: string): string {
  const set = env[name]
  // The specification: a relative path is invalid and ignored.
  return set !== undefined && isAbsolute(set) ? set : join(env['HOME'] || homedir(), fallback)
}
