// The path of a control socket: made free before a server listens there. A socket file outlives a
// process that was killed, so a connection attempt decides: whoever answers owns it.

import { lstatSync, unlinkSync } from 'node:fs'
import { connect } from 'node:net'
import { SwarmError } from '../base/errors.ts'
import { SOCKET_PATH_BYTES_MAX } from '../base/limits.ts'
import type { Clock } from '../base/clock.ts'
import { ApiClient } from './client.ts'

/** A living peer answers its status at once; one that does not still owns the socket. */
const STATUS_TIMEOUT_MS = 1000

/**
 * Removes a socket that nobody serves. Two processes of one data directory are kept apart by its lock,
 * not by this.
 * @throws STORE_BUSY when a process answers there, with its number if it says it;
 *         USAGE_BAD_VALUE when the path is too long.
 */
export async function freeSocket(path: string, clock: Clock): Promise<void> {
  const sizeBytes = Buffer.byteLength(path)
  if (sizeBytes > SOCKET_PATH_BYTES_MAX) {
    throw new SwarmError(
      'USAGE_BAD_VALUE',
      `the control socket's path has ${sizeBytes} bytes, at most ${SOCKET_PATH_BYTES_MAX} are allowed; ` +
        `set XDG_RUNTIME_DIR to a shorter folder: ${path}`
    )
  }
  const answer = await probe(path)
  if (answer === 'absent') return
  if (answer === 'refused') {
    if (lstatSync(path).isSocket()) return unlinkSync(path)
    const text = `${path} is in the place of the control socket and is not one; move it away`
    throw new SwarmError('STORE_UNREADABLE', text)
  }
  const pid = await ownerOf(path, clock)
  throw new SwarmError(
    'STORE_BUSY',
    `the data directory is in use by ${pid === null ? 'another process' : `process ${pid}`}; ` +
      'stop it with: swarm stop'
  )
}

function probe(path: string): Promise<'absent' | 'refused' | 'served'> {
  return new Promise((resolve, reject) => {
    const socket = connect(path)
    socket.once('connect', () => {
      socket.destroy()
      resolve('served')
    })
    socket.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') resolve('absent')
      else if (error.code === 'ECONNREFUSED') resolve('refused')
      else {
        const text = `the control socket ${path} cannot be used: ${error.message}`
        reject(new SwarmError('STORE_UNREADABLE', text, { cause: error }))
      }
    })
  })
}

async function ownerOf(path: string, clock: Clock): Promise<number | null> {
  const client = new ApiClient({
    socketPath: path,
    dataDir: path,
    clock,
    timeoutMs: STATUS_TIMEOUT_MS
  })
  try {
    return (await client.status()).pid
  } catch {
    return null
  }
}
