import test from 'brittle'

import { SwarmError } from '../../src/base/errors.ts'
import { INVITE_ADDRESSES_MAX, INVITE_CHARS_MAX } from '../../src/base/limits.ts'
import { seededRandom } from '../../src/base/random.ts'
import { decodeInvite, encodeInvite, isInvite, type Invite } from '../../src/wire/invite.ts'

const root = seededRandom(4).bytes(32)
const address = { host: '192.168.1.5', port: 49_737 }

const INVITES: Record<string, Invite> = {
  secret: { name: 'home', root, dht: 'public', bootstrap: [] },
  bare: { name: 'k', root: null, dht: 'none', bootstrap: [] },
  given: { name: 'küche', root, dht: 'given', bootstrap: [address, { host: '::1', port: 1 }] }
}

function refusal(work: () => unknown): SwarmError | null {
  try {
    work()
    return null
  } catch (error) {
    if (error instanceof SwarmError) return error
    throw error
  }
}

for (const [name, invite] of Object.entries(INVITES)) {
  test(`invite - '${name}' comes back, however it was copied`, (t) => {
    const line = encodeInvite(invite)
    t.ok(isInvite(line) && /^swarm1[a-z0-9]+$/.test(line), line)
    t.alike(decodeInvite(line), invite)
    t.alike(decodeInvite(`  ${line.toUpperCase().replace(/(.{20})/g, '$1\r\n ')}`), invite)
  })

  test(`invite - '${name}' is called damaged with any character changed, missing or added`, (t) => {
    const line = encodeInvite(invite)
    const damaged: string[] = [`${line}y`, `${line}${line}`, line.slice(0, 6)]
    for (let at = 6; at < line.length; at++) {
      const [before, after] = [line.slice(0, at), line.slice(at + 1)]
      for (const other of ['y', '9', '0', 'l', '-', '…']) {
        if (other !== line[at]) damaged.push(before + other + after)
      }
      damaged.push(before + after, before)
      if (line[at] !== line[at + 1])
        damaged.push(before + after.slice(0, 1) + line[at] + after.slice(1))
    }
    const taken = damaged
      .filter((text) => text !== line)
      .filter((text) => !/is damaged/.test(refusal(() => decodeInvite(text))?.message ?? ''))
    t.alike(taken, [])
    t.ok(damaged.every(isInvite), 'and never taken for the name of a topic')
  })
}

test('invite - of a later version says so', (t) => {
  const error = refusal(() => decodeInvite(encodeInvite(INVITES['bare']!).replace('m1', 'm2')))
  t.is(error?.code, 'USAGE_BAD_VALUE')
  t.ok(/another version.*upgrade/.test(error?.message ?? ''), error?.message)
})

test('invite - names of topics are no invites', (t) => {
  for (const name of ['home', 'swarm', 'swarm home', 'my swarm1', '']) t.absent(isInvite(name))
})

test('invite - the secret as it was typed is not in it, nor anything of the inviter', (t) => {
  t.is(Object.keys(INVITES['secret']!).join(), 'name,root,dht,bootstrap')
})

test('invite - the longest is within its bound, and what is beyond is refused', (t) => {
  const far = { host: 'h'.repeat(253), port: 65_535 }
  const most = Array.from({ length: INVITE_ADDRESSES_MAX }, () => far)
  const longest: Invite = { name: 'n'.repeat(64), root, dht: 'given', bootstrap: most }
  t.ok(encodeInvite(longest).length <= INVITE_CHARS_MAX)
  const beyond: [Partial<Invite>, string][] = [
    [{ bootstrap: [...most, far] }, 'WIRE_TOO_LARGE'],
    [{ name: 'n'.repeat(65) }, 'WIRE_TOO_LARGE'],
    [{ bootstrap: [{ ...far, host: 'h'.repeat(254) }] }, 'WIRE_TOO_LARGE'],
    [{ root: new Uint8Array(31) }, 'WIRE_BAD_FRAME'],
    [{ bootstrap: [] }, 'WIRE_BAD_FRAME'],
    [{ dht: 'public' }, 'WIRE_BAD_FRAME'],
    [{ bootstrap: [{ host: 'a b', port: 1 }] }, 'WIRE_BAD_FRAME'],
    [{ bootstrap: [{ host: 'a', port: 0 }] }, 'WIRE_BAD_FRAME']
  ]
  for (const [change, code] of beyond) {
    t.is(refusal(() => encodeInvite({ ...longest, ...change }))?.code, code, JSON.stringify(change))
  }
  t.ok(/is damaged/.test(refusal(() => decodeInvite(`swarm1${'y'.repeat(1e6)}`))?.message ?? ''))
})
