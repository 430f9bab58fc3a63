// Whether two programs may work together. Pure. Both sides of a link ask it and come to the same answer,
// each with a sentence for its own user: which versions met, and which side is to be upgraded.

import { SwarmError } from '../../base/errors.ts'
import { clip } from '../../base/text.ts'
import { shortId, type PeerId } from '../../wire/ids.ts'

import type { Versions } from '../../wire/hello.ts'

/** @returns WIRE_VERSION, or null when the versions fit. */
export function versionRefusal(own: Versions, theirs: Versions, peer: PeerId): SwarmError | null {
  if (own.protocolVersion !== theirs.protocolVersion) {
    return refusal('protocol', own.protocolVersion, theirs.protocolVersion, own, theirs, peer)
  }
  if (own.arithmeticVersion !== theirs.arithmeticVersion) {
    return refusal('arithmetic', own.arithmeticVersion, theirs.arithmeticVersion, own, theirs, peer)
  }
  return null
}

/** The same as the proofs say it, which is all that two versions of the protocol have in common. */
export function protocolRefusal(
  ownVersion: number,
  theirVersion: number,
  peer: PeerId
): SwarmError {
  const who = ownVersion < theirVersion ? 'this machine' : `peer ${shortId(peer)}`
  return new SwarmError(
    'WIRE_VERSION',
    `Peer ${shortId(peer)} speaks protocol version ${theirVersion}, this machine ${ownVersion}; ` +
      `upgrade ${who}: npm install -g swarm-grid@latest`
  )
}

function refusal(
  kind: 'protocol' | 'arithmetic',
  ownVersion: number,
  theirVersion: number,
  own: Versions,
  theirs: Versions,
  peer: PeerId
): SwarmError {
  const who = ownVersion < theirVersion ? 'this machine' : `peer ${shortId(peer)}`
  return new SwarmError(
    'WIRE_VERSION',
    `Peer ${shortId(peer)} runs ${clip(theirs.programVersion)} with ${kind} version ${theirVersion}, ` +
      `this machine runs ${own.programVersion} with ${kind} version ${ownVersion}; ` +
      `upgrade ${who}: npm install -g swarm-grid@latest`
  )
}
