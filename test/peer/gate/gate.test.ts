import { mkdirSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'brittle'

import { SwarmError } from '../../../src/base/errors.ts'
import { GATE_FILE_BYTES_MAX, GATE_KEYS_MAX } from '../../../src/base/limits.ts'
import { editGate, formatGate, OPEN_GATE, parseGate } from '../../../src/peer/gate/gate-list.ts'
import { Gate } from '../../../src/peer/gate/gate.ts'

import type { PeerId } from '../../../src/wire/ids.ts'
import type { GateEdit } from '../../../src/wire/gate.ts'

const id = (index: number) => index.toString(16).padStart(8, '0').repeat(8) as PeerId
const [A, B, C] = [id(1), id(2), id(3)]

const admits = (gate: Gate) => [A, B, C].map((key) => gate.refusal(key) === null)

function refusal(work: () => unknown): SwarmError | null {
  try {
    work()
    return null
  } catch (error) {
    if (error instanceof SwarmError) return error
    throw error
  }
}

test('gate - lets everybody to the proof until it is edited, and leaves no file', async (t) => {
  const folder = await t.tmp()
  t.alike(admits(new Gate(folder)), [true, true, true])
  t.alike(readdirSync(folder), [])
})

// One life of a gate: what each edit lets in of A, B and C.
const EDITS: [string, GateEdit, boolean[]][] = [
  ['a revoked key stays out', { action: 'revoke', keys: [A] }, [false, true, true]],
  ['the first listed key shuts out the rest', { action: 'allow', keys: [B] }, [false, true, false]],
  ['listing a revoked key takes that back', { action: 'allow', keys: [A, C] }, [true, true, true]],
  ['revoking takes off the list', { action: 'revoke', keys: [B, C] }, [true, false, false]],
  ['taking back does not put on it', { action: 'restore', keys: [B] }, [true, false, false]],
  ['an empty list shuts all out', { action: 'revoke', keys: [A] }, [false, false, false]],
  ['nothing given changes nothing', { action: 'allow', keys: [] }, [false, false, false]],
  ['ending the list keeps the revoked', { action: 'open', keys: [] }, [false, true, false]],
  ['nothing given begins no list', { action: 'allow', keys: [] }, [false, true, false]],
  ['the last revocation', { action: 'restore', keys: [A, C] }, [true, true, true]]
]

test('gate - follows its edits at once and after a restart', async (t) => {
  const folder = await t.tmp()
  const gate = new Gate(folder)
  for (const [name, edit, expected] of EDITS) {
    gate.edit(edit)
    t.alike(admits(gate), expected, name)
    t.alike(admits(new Gate(folder)), expected, `${name}, after a restart`)
  }
  t.is(statSync(join(folder, 'gate')).mode & 0o777, 0o600)
  t.alike(readdirSync(folder), ['gate'], 'no drafts')
})

test('gate - a refusal says what to type to undo it', async (t) => {
  const gate = new Gate(await t.tmp())
  gate.edit({ action: 'allow', keys: [B] })
  gate.edit({ action: 'revoke', keys: [A] })
  t.is(gate.refusal(A)?.code, 'PEER_REFUSED')
  t.ok(gate.refusal(A)?.message.endsWith(`swarm revoke --undo ${A}`))
  t.ok(gate.refusal(C)?.message.endsWith(`swarm allow ${C}`))
})

test('gate - a known key is revoked and restored by its first digits, allowed only whole', async (t) => {
  const twin = `${A.slice(0, 20)}${'f'.repeat(44)}` as PeerId
  const folder = await t.tmp()
  const gate = new Gate(folder)
  const edit = (action: GateEdit['action'], text: string, known: PeerId[] = [A, B, twin]) =>
    refusal(() => gate.edit({ action, keys: [text] }, known))?.code ?? null
  t.is(edit('revoke', B.slice(0, 8)), null)
  t.alike(admits(gate), [true, false, true])
  t.is(edit('restore', B.slice(0, 8)), null)
  t.alike(admits(gate), [true, true, true])
  t.is(edit('revoke', A.slice(0, 8)), 'USAGE_BAD_VALUE', 'two begin so')
  t.is(edit('revoke', A.slice(0, 21)), null)
  t.is(edit('revoke', B.slice(0, 7)), 'USAGE_BAD_VALUE', 'too few digits')
  t.is(edit('revoke', C.slice(0, 8)), 'USAGE_BAD_VALUE', 'nobody known')
  t.is(edit('allow', B.slice(0, 8)), 'USAGE_BAD_VALUE', 'could be made to order')
  t.is(edit('restore', 'everybody'), 'USAGE_BAD_VALUE')
  t.alike(
    gate.status,
    { onlyAllowed: false, allowed: [], revoked: [A] },
    'refused edits do nothing'
  )
})

test('gate - its text comes back, and nothing else is taken for one', (t) => {
  const both = editGate(OPEN_GATE, { action: 'allow', keys: [B, A] }, [])
  for (const list of [OPEN_GATE, both, editGate(both, { action: 'revoke', keys: [A] }, [])]) {
    const text = formatGate(list)
    t.alike(parseGate(text), list)
    const taken: number[] = []
    for (let at = 0; at < text.length; at++) {
      const cut = text.slice(0, at)
      // A whole line less is a list of its own, but only until something is added to it.
      const isList = /^swarm gate 1\n((only allowed|(allow|revoke) [0-9a-f]{64})\n)*$/.test(cut)
      if (!isList && parseGate(cut) !== null) taken.push(at)
      if (parseGate(`${cut}\0${text.slice(at + 1)}`) !== null) taken.push(-at)
    }
    t.alike(taken, [])
  }
  for (const text of ['', '\n', `swarm gate 2\n`, `swarm gate 1\nallow ${B}\nallow ${A}\n`]) {
    t.is(parseGate(text), null, JSON.stringify(text).slice(0, 40))
  }
})

test('gate - a file that is damaged, too large or no file is refused, never taken as open', async (t) => {
  const folder = await t.tmp()
  const path = join(folder, 'gate')
  new Gate(folder).edit({ action: 'revoke', keys: [A] })
  const good = readFileSync(path, 'utf8')
  for (const text of ['', good.slice(0, -1), good.replace('revoke', 'rewoke'), `${good}\n`]) {
    writeFileSync(path, text)
    t.is(
      refusal(() => new Gate(folder))?.code,
      'STORE_UNREADABLE',
      JSON.stringify(text.slice(0, 20))
    )
  }
  writeFileSync(path, 'x'.repeat(GATE_FILE_BYTES_MAX + 1))
  t.is(refusal(() => new Gate(folder))?.code, 'STORE_UNREADABLE')
  const other = await t.tmp()
  mkdirSync(join(other, 'gate'))
  t.is(refusal(() => new Gate(other))?.code, 'STORE_UNREADABLE')
})

test('gate - an edit that cannot be written is in force and says so', async (t) => {
  const folder = await t.tmp()
  const gate = new Gate(folder)
  mkdirSync(join(folder, 'gate'))
  t.is(refusal(() => gate.edit({ action: 'revoke', keys: [A] }))?.code, 'STORE_UNREADABLE')
  t.alike(admits(gate), [false, true, true])
  t.alike(readdirSync(folder), ['gate'], 'no drafts')
})

test('gate - a list is refused one key beyond its bound, and its file fits', (t) => {
  const keys = Array.from({ length: GATE_KEYS_MAX }, (_, index) => id(index + 10))
  const full = editGate(OPEN_GATE, { action: 'allow', keys }, [])
  const both = { ...full, revoked: full.allowed }
  t.ok(formatGate(both).length <= GATE_FILE_BYTES_MAX)
  const beyond = refusal(() => editGate(full, { action: 'allow', keys: [A] }, []))
  t.is(beyond?.code, 'USAGE_BAD_VALUE')
  t.is(editGate(full, { action: 'allow', keys: [id(10)] }, []).allowed.size, GATE_KEYS_MAX)
})
