// A codec of session messages for tests of the network alone: activations in binary with a header of 32
// bytes, everything else as JSON. What it carries comes back equal; bounds are not its business.

import { SwarmError } from '../../src/base/errors.ts'

import type { SessionCodec } from '../../src/peer/peer-hop.ts'
import type { SessionId } from '../../src/wire/ids.ts'
import type { SessionMessage } from '../../src/wire/session.ts'

const ACTIVATION = 1

export const toyCodec: SessionCodec = {
  ACTIVATION_HEADER_BYTES: 32,

  encodeSessionMessage(message) {
    return Buffer.concat([new Uint8Array([0]), Buffer.from(JSON.stringify(message))])
  },

  decodeSessionMessage(frame): SessionMessage {
    const bytes = Buffer.from(frame.buffer, frame.byteOffset, frame.byteLength)
    if (bytes[0] === 0) return JSON.parse(bytes.toString('utf8', 1)) as SessionMessage
    if (bytes[0] !== ACTIVATION || bytes.byteLength < 32) {
      throw new SwarmError('WIRE_BAD_FRAME', 'neither JSON nor an activation')
    }
    return {
      type: 'activation',
      sample: bytes[1] === 1,
      nTokens: bytes.readUInt16LE(2),
      epoch: bytes.readUInt32LE(4),
      session: bytes.toString('hex', 8, 24) as SessionId,
      position: bytes.readUInt32LE(24),
      dim: bytes.readUInt32LE(28),
      payload: frame.subarray(32)
    }
  },

  writeActivationHeader(header, target) {
    const bytes = Buffer.from(target.buffer, target.byteOffset, 32)
    bytes[0] = ACTIVATION
    bytes[1] = header.sample ? 1 : 0
    bytes.writeUInt16LE(header.nTokens, 2)
    bytes.writeUInt32LE(header.epoch, 4)
    bytes.write(header.session, 8, 'hex')
    bytes.writeUInt32LE(header.position, 24)
    bytes.writeUInt32LE(header.dim, 28)
  }
}
