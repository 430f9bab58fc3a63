// Which keys a user lets in, and which not. Pure: a value, the edits on it, and its form as a text file
// that people can read. A revoked key stays out whatever else is said of it; an allow-list, once begun,
// stays in force when its last key is taken off, so that a mistake shuts out rather than lets in.

import { SwarmError } from '../../base/errors.ts'
import { GATE_KEYS_MAX } from '../../base/limits.ts'
import { clip } from '../../base/text.ts'
import { shortId, toPeerId, type PeerId } from '../../wire/ids.ts'

import type { GateEdit } from '../../wire/gate.ts'

export interface GateList {
  readonly onlyAllowed: boolean
  readonly allowed: ReadonlySet<PeerId>
  readonly revoked: ReadonlySet<PeerId>
}

export const OPEN_GATE: GateList = { onlyAllowed: false, allowed: new Set(), revoked: new Set() }

/** @returns why this key is not linked to, with what the user can do about it; null when it may. */
export function refusalOf(list: GateList, peer: PeerId): SwarmError | null {
  if (list.revoked.has(peer)) {
    const text = `${shortId(peer)} was refused: its key is revoked here`
    return new SwarmError('PEER_REFUSED', `${text}; to take that back: swarm revoke --undo ${peer}`)
  }
  if (!list.onlyAllowed || list.allowed.has(peer)) return null
  const text = `${shortId(peer)} was refused: its key is not on the allow-list`
  return new SwarmError('PEER_REFUSED', `${text}; if it is yours: swarm allow ${peer}`)
}

/**
 * @param known keys of which the first digits are enough, beside those on the lists.
 * @throws USAGE_BAD_VALUE when a key cannot be told, or a list would have more than GATE_KEYS_MAX.
 */
export function editGate(list: GateList, edit: GateEdit, known: readonly PeerId[]): GateList {
  const allowed = new Set(list.allowed)
  const revoked = new Set(list.revoked)
  if (edit.action === 'open') return { onlyAllowed: false, allowed: new Set(), revoked }
  for (const text of edit.keys) {
    const key = keyOf(text, edit.action, { allow: [], revoke: known, restore: [...revoked] })
    if (edit.action === 'allow') allowed.add(key)
    if (edit.action === 'revoke') {
      allowed.delete(key)
      revoked.add(key)
    } else revoked.delete(key)
  }
  for (const keys of [allowed, revoked]) {
    if (keys.size > GATE_KEYS_MAX) throw usage(`a list of keys holds ${GATE_KEYS_MAX} at most`)
  }
  const begins = edit.action === 'allow' && edit.keys.length > 0
  return { onlyAllowed: list.onlyAllowed || begins, allowed, revoked }
}

const HEAD = 'swarm gate 1'
const ONLY_ALLOWED = 'only allowed'

export function formatGate({ onlyAllowed, allowed, revoked }: GateList): string {
  const lines = [
    HEAD,
    ...(onlyAllowed ? [ONLY_ALLOWED] : []),
    ...[...allowed].toSorted().map((key) => `allow ${key}`),
    ...[...revoked].toSorted().map((key) => `revoke ${key}`)
  ]
  return lines.map((line) => `${line}\n`).join('')
}

/** @returns null for a text that formatGate did not write. */
export function parseGate(text: string): GateList | null {
  const allowed = new Set<PeerId>()
  const revoked = new Set<PeerId>()
  let onlyAllowed = false
  for (const line of text.split('\n').slice(1, -1)) {
    const [, word, digits = ''] = /^(allow|revoke) ([0-9a-f]{64})$/.exec(line) ?? []
    if (word === undefined) onlyAllowed = line === ONLY_ALLOWED
    else (word === 'allow' ? allowed : revoked).add(toPeerId(digits))
  }
  const list = { onlyAllowed, allowed, revoked }
  return formatGate(list) === text ? list : null
}

/** As many as the tables of peers show. */
const LEAST_DIGITS = 8

function keyOf(
  text: string,
  action: 'allow' | 'revoke' | 'restore',
  known: Record<typeof action, readonly PeerId[]>
): PeerId {
  if (/^[0-9a-f]{64}$/.test(text)) return toPeerId(text)
  const isPrefix = new RegExp(`^[0-9a-f]{${LEAST_DIGITS},63}$`).test(text)
  const [match, ...others] = isPrefix ? known[action].filter((key) => key.startsWith(text)) : []
  if (match !== undefined && others.length === 0) return match
  // Eight digits of a key can be made to order, so none is let in by them.
  const shown = clip(text, 64)
  const what =
    action === 'allow'
      ? `a key has 64 hexadecimal digits, not '${shown}'`
      : `no single known key begins with '${shown}'`
  throw usage(`${what}; give all 64 digits, which swarm status --json on that machine prints`)
}

function usage(text: string): SwarmError {
  return new SwarmError('USAGE_BAD_VALUE', text, { param: 'key' })
}
