// One line that lets another machine into a topic: its name, the root of its keys when it has a secret
// (never the secret as it was typed), where its peers meet, and a checksum, so that a damaged line is
// told from a wrong one. Text in z-base-32 behind a mark with the version; lower case and without what
// is mistaken for something else. Whoever holds the line can join: it is to be kept like the secret.

import { createHash } from 'node:crypto'

import { SwarmError } from '../base/errors.ts'
import {
  HOST_BYTES_MAX,
  INVITE_ADDRESSES_MAX,
  INVITE_CHARS_MAX,
  TOPIC_NAME_BYTES_MAX
} from '../base/limits.ts'
import { clip } from '../base/text.ts'
import { fromZBase32, toZBase32 } from '../base/z-base-32.ts'
import { badFrame, checked, fixed, list, oneOf, optional, struct, text, whole } from './fields.ts'
import { decodeWhole, encodeWhole } from './whole-message.ts'

export interface Invite {
  /** Name of the topic. */
  name: string
  /** 32 bytes from which the keys of a topic with a secret are derived; null without a secret. */
  root: Uint8Array | null
  /** Where its peers meet: the local network alone, the nodes given here, or the public DHT. */
  dht: 'none' | 'given' | 'public'
  /** Nodes of a private DHT; some exactly when `dht` is 'given'. */
  bootstrap: { host: string; port: number }[]
}

/** No topic is called so, and whatever begins so is an invite, also of a later version. */
const MARK = /^swarm\d/i
const VERSION_MARK = 'swarm1'
const CHECKSUM_BYTES = 4

const host = checked(
  text(HOST_BYTES_MAX, 'the host of a bootstrap'),
  (value) => {
    if (/^[a-z0-9._:%-]+$/i.test(value)) return
    throw badFrame('the host of a bootstrap is neither an address nor a name')
  },
  'an address or a name'
)

/** The bytes of an invite before their checksum. */
export const inviteField = checked(
  struct<Invite>({
    name: text(TOPIC_NAME_BYTES_MAX, 'the name of a topic'),
    root: optional(fixed(32, 'the root of the keys'), 'a secret'),
    dht: oneOf(['none', 'given', 'public'], 'the meeting place'),
    bootstrap: list(
      struct<Invite['bootstrap'][number]>({
        host,
        port: whole(2, 1, 65_535, 'the port of a bootstrap')
      }),
      0,
      INVITE_ADDRESSES_MAX,
      'addresses of an invite'
    )
  }),
  ({ dht, bootstrap }) => {
    if ((dht === 'given') === bootstrap.length > 0) return
    throw badFrame('the addresses of an invite do not fit its meeting place')
  }
)

/** Whether a user means an invite, whole or damaged, and not the name of a topic. */
export function isInvite(text: string): boolean {
  return MARK.test(text.trim())
}

/**
 * @returns one line without spaces, at most INVITE_CHARS_MAX characters.
 * @throws WIRE_BAD_FRAME, WIRE_TOO_LARGE when a value is outside its bounds.
 */
export function encodeInvite(invite: Invite): string {
  const bytes = encodeWhole(inviteField, invite)
  return VERSION_MARK + toZBase32(Buffer.concat([bytes, checksumOf(bytes)]))
}

/**
 * @param line as it was typed, pasted or scanned: capitals and white space do not matter.
 * @throws USAGE_BAD_VALUE when it is damaged, or of a version that this program does not know.
 */
export function decodeInvite(line: string): Invite {
  const compact = line.replace(/\s+/g, '').toLowerCase()
  if (!compact.startsWith(VERSION_MARK)) {
    throw usage(
      `the invite '${clip(compact, 12)}' is of another version than this program knows; ` +
        'upgrade with: npm install -g swarm-grid@latest'
    )
  }
  const sealed = compact.length > INVITE_CHARS_MAX ? null : fromZBase32(compact.slice(6))
  if (sealed === null || sealed.byteLength <= CHECKSUM_BYTES) throw damaged()
  const bytes = sealed.subarray(0, -CHECKSUM_BYTES)
  if (Buffer.compare(sealed.subarray(-CHECKSUM_BYTES), checksumOf(bytes)) !== 0) throw damaged()
  try {
    return decodeWhole(inviteField, bytes, INVITE_CHARS_MAX, 'an invite')
  } catch (error) {
    throw damaged(error)
  }
}

function checksumOf(bytes: Uint8Array): Uint8Array {
  const hash = createHash('sha256').update('swarm invite 1 ').update(bytes).digest()
  return hash.subarray(0, CHECKSUM_BYTES)
}

function damaged(cause?: unknown): SwarmError {
  const text = 'the invite is damaged: a character is wrong, missing or too many; copy it anew'
  return usage(text, cause)
}

function usage(text: string, cause?: unknown): SwarmError {
  return new SwarmError('USAGE_BAD_VALUE', text, { cause, param: 'topic' })
}
