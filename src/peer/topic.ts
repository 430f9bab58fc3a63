// What the user joins, and whom that lets in. Pure: a name and an optional secret become three keys
// that cannot be computed from each other, and the flags become a reach. Owns the sentence that says
// who can join; does not look for anybody (discovery.ts) and checks no proof (proof-exchange.ts).

import { hkdfSync, scryptSync } from 'node:crypto'

import { SwarmError } from '../base/errors.ts'
import { TOPIC_NAME_BYTES_MAX, TOPIC_SECRET_BYTES_MAX } from '../base/limits.ts'
import { isInvite } from '../wire/invite.ts'

/** Which DHT the topic is announced on: none, the one given with --bootstrap, or the public one. */
export type DhtReach = 'none' | 'given' | 'public'

export interface TopicOptions {
  name: string
  /** As it was typed, or the root that an invite carries; null: whoever knows the name may join. */
  secret: string | Uint8Array | null
  /** Whether --bootstrap names nodes of a private DHT. It takes the place of the public one. */
  bootstrap: boolean
  /** --public: the public DHT also without a secret. */
  public: boolean
  /** --lan-only: never the public DHT, not even with a secret. */
  lanOnly: boolean
}

export interface Topic {
  readonly name: string
  readonly dht: DhtReach
  /** One sentence that says who can join; the first line that `swarm join` prints. */
  readonly sentence: string
  /** 32 bytes that stand for name and secret in an invite, from which all keys follow; null without
   * a secret, because the name is enough. Never shown but there. */
  readonly inviteRoot: Uint8Array | null
  /** 32 bytes each. Only the discovery key is ever shown to others. */
  readonly discoveryKey: Uint8Array
  readonly proofKey: Uint8Array
  readonly beaconKey: Uint8Array
}

const ROOT_BYTES = 32

// The discovery key is public, so a secret that people chose can be guessed offline against it. scrypt
// at this cost takes about 50 ms once per start and makes each guess as dear.
const SCRYPT = { N: 2 ** 14, r: 8, p: 1 }

/** @throws USAGE_BAD_VALUE when name, secret or the combination of flags cannot be used. */
export function openTopic(options: TopicOptions): Topic {
  if (options.public && options.lanOnly) {
    throw usage('--public and --lan-only contradict each other; give one of them')
  }
  const name = cleanName(options.name)
  const root = rootOf(name, options.secret)
  const dht = reachOf(options)
  return {
    name,
    dht,
    sentence: sentenceOf(name, options.secret !== null, dht),
    inviteRoot: options.secret === null ? null : root,
    discoveryKey: derive(root, 'discovery'),
    proofKey: derive(root, 'proof'),
    beaconKey: derive(root, 'beacon')
  }
}

function cleanName(text: string): string {
  const name = text.normalize('NFC').trim()
  const sizeBytes = Buffer.byteLength(name)
  if (sizeBytes === 0 || sizeBytes > TOPIC_NAME_BYTES_MAX) {
    throw usage(`a topic name has 1 to ${TOPIC_NAME_BYTES_MAX} bytes, this one has ${sizeBytes}`)
  }
  // Control and format characters, lone surrogates: two names that look alike must be alike.
  if (/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u.test(name)) {
    throw usage('a topic name has only printable characters; type it anew')
  }
  if (isInvite(name)) throw usage('invites begin so; join with the whole line, or choose a name')
  return name
}

function rootOf(name: string, secret: TopicOptions['secret']): Uint8Array {
  if (secret === null) return derive(Buffer.from(name), 'topic by name')
  if (typeof secret !== 'string') return checkedRoot(secret)
  const sizeBytes = Buffer.byteLength(secret)
  if (sizeBytes === 0 || sizeBytes > TOPIC_SECRET_BYTES_MAX) {
    throw usage(`a topic secret has 1 to ${TOPIC_SECRET_BYTES_MAX} bytes, not ${sizeBytes}`)
  }
  const salt = `swarm topic 1 ${name}`
  return new Uint8Array(scryptSync(secret.normalize('NFC'), salt, ROOT_BYTES, SCRYPT))
}

function checkedRoot(root: Uint8Array): Uint8Array {
  if (root.byteLength === ROOT_BYTES) return new Uint8Array(root)
  throw usage(`the root of a topic's keys has ${ROOT_BYTES} bytes, not ${root.byteLength}`)
}

function derive(root: Uint8Array, use: string): Uint8Array {
  return new Uint8Array(hkdfSync('sha256', root, '', `swarm topic 1 ${use}`, 32))
}

function reachOf(options: TopicOptions): DhtReach {
  if (options.bootstrap) return 'given'
  if (options.lanOnly) return 'none'
  return options.secret !== null || options.public ? 'public' : 'none'
}

function sentenceOf(name: string, secret: boolean, dht: DhtReach): string {
  const where = {
    none: 'on this local network',
    given: 'on this local network or through the given bootstrap',
    public: 'from anywhere, through the public DHT'
  }[dht]
  return secret
    ? `Only who has its secret can join '${name}', ${where}.`
    : `Anyone who knows or guesses its name can join '${name}', ${where}.`
}

function usage(text: string): SwarmError {
  return new SwarmError('USAGE_BAD_VALUE', text)
}
