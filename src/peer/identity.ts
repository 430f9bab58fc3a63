// Who this installation is: one ed25519 key pair per data directory. It is the Noise key of every
// connection and signs this peer's records. Owns the key file and every signature made with it;
// a file that is damaged, or that others can read, is refused rather than repaired or replaced.

import { link, mkdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import crypto from 'hypercore-crypto'

import { SwarmError } from '../base/errors.ts'
import { fromHex, toHex } from '../base/text.ts'
import { peerIdOf, type PeerId } from '../wire/ids.ts'

import type { KeyPair } from '@hyperswarm/secret-stream'
import type { Random } from '../base/random.ts'
import type { SignedRecord } from '../wire/record.ts'

const FILE_NAME = 'identity'
const RECORD_LABEL = Buffer.from('swarm record 1')

export interface Identity {
  readonly id: PeerId
  readonly keyPair: KeyPair
}

/**
 * The identity of a data directory; made on first use, together with the directory.
 * @throws STORE_UNREADABLE when the file is damaged, readable by others, or cannot be made.
 */
export async function openIdentity(dataDir: string, random: Random): Promise<Identity> {
  const path = join(dataDir, FILE_NAME)
  try {
    const found = await read(path)
    if (found !== null) return found
    await mkdir(dataDir, { recursive: true, mode: 0o700 })
    await create(path, random)
    return (await read(path)) as Identity
  } catch (error) {
    if (error instanceof SwarmError) throw error
    const reason = error instanceof Error ? error.message : String(error)
    throw refusal(`The identity file ${path} cannot be used: ${reason}`, error)
  }
}

/** An identity of 32 seed bytes. Outside tests, use openIdentity. */
export function identityOf(seed: Uint8Array): Identity {
  const keyPair = crypto.keyPair(seed)
  return { id: peerIdOf(keyPair.publicKey), keyPair }
}

/** ed25519 over `swarm record 1` and the bytes, so that no other signature can pass for one. */
export function signRecord(identity: Identity, bytes: Uint8Array): SignedRecord {
  const signature = crypto.sign(Buffer.concat([RECORD_LABEL, bytes]), identity.keyPair.secretKey)
  return { bytes, signature }
}

/** @param key of the peer that the record speaks of. */
export function verifyRecord(key: PeerId, record: SignedRecord): boolean {
  const message = Buffer.concat([RECORD_LABEL, record.bytes])
  return crypto.verify(message, record.signature, Buffer.from(key, 'hex'))
}

/** ed25519 over a statement that begins with a label of its own (wire/log-card.ts). */
export function signStatement(identity: Identity, statement: Uint8Array): Uint8Array {
  return crypto.sign(statement, identity.keyPair.secretKey)
}

/** @param key of the peer that signed it. */
export function verifyStatement(key: PeerId, statement: Uint8Array, signature: Uint8Array) {
  return crypto.verify(statement, signature, Buffer.from(key, 'hex'))
}

async function read(path: string): Promise<Identity | null> {
  let text: string
  try {
    const { mode } = await stat(path)
    if (process.platform !== 'win32' && (mode & 0o077) !== 0) {
      const octal = (mode & 0o777).toString(8)
      throw refusal(`Others can read the identity file ${path} (mode ${octal}); chmod 600 it`)
    }
    text = await readFile(path, 'utf8')
  } catch (error) {
    if (isCode(error, 'ENOENT')) return null
    throw error
  }
  const match = /^swarm identity 1\nsecret ([0-9a-f]{64})\npublic ([0-9a-f]{64})\n$/.exec(text)
  const seed = fromHex(match?.[1] ?? '', 32)
  const identity = seed === null ? null : identityOf(seed)
  // The public key is there to be compared: a flipped digit would otherwise be another identity.
  if (identity === null || identity.id !== match?.[2]) {
    throw refusal(
      `The identity file ${path} is damaged; restore it, or delete it to become a new peer`
    )
  }
  return identity
}

async function create(path: string, random: Random): Promise<void> {
  const seed = random.bytes(32)
  const text = `swarm identity 1\nsecret ${toHex(seed)}\npublic ${identityOf(seed).id}\n`
  const draft = `${path}.${toHex(random.bytes(8))}`
  try {
    await writeFile(draft, text, { mode: 0o600, flag: 'wx', flush: true })
    // link() never replaces: of two processes that start at once the first one's key stays.
    await link(draft, path)
  } catch (error) {
    if (isCode(error, 'EEXIST')) return
    if (!isCode(error, 'EPERM') && !isCode(error, 'ENOTSUP')) throw error
    await rename(draft, path) // a file system without links
  } finally {
    await rm(draft, { force: true })
  }
}

function isCode(error: unknown, code: string): boolean {
  return error instanceof Error && (error as NodeJS.ErrnoException).code === code
}

function refusal(text: string, cause?: unknown): SwarmError {
  return new SwarmError('STORE_UNREADABLE', text, { cause })
}
