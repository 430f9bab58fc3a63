import test from 'brittle'

import { seededRandom } from '../../src/base/random.ts'
import { REDACTED, redact } from '../../src/shell/redact.ts'
import { ordinaryCommands } from '../helpers/ordinary-commands.ts'
import { secretLines } from '../helpers/secret-lines.ts'

const SECRETS = 1000
const ORDINARY = 2000

/** A part of a secret as long as this would let it be found, or guessed. */
const PART_CHARS = 8

function leaked(secret: string, text: string): string | null {
  for (const line of secret.split('\n').filter((one) => !one.startsWith('-----'))) {
    const size = Math.min(PART_CHARS, line.length)
    for (let at = 0; at + size <= line.length; at++) {
      const part = line.slice(at, at + size)
      if (text.includes(part)) return part
    }
  }
  return null
}

test('redact - of 1000 generated secrets none is left, not even in part', (t) => {
  const wrong: string[] = []
  for (const { kind, secret, text } of secretLines(seededRandom(20), SECRETS)) {
    const { text: shown, count } = redact(text)
    const part = leaked(secret, shown) ?? (shown.includes(secret) ? secret : null)
    if (part !== null || count === 0) wrong.push(`${kind}: ${text} -> ${shown}`)
  }
  t.alike(wrong.slice(0, 20), [], `${wrong.length} leaks`)
})

test('redact - ordinary commands come through unharmed, 99 of 100 at least', (t) => {
  const commands = ordinaryCommands(seededRandom(21), ORDINARY)
  const harmed = commands.filter((command) => redact(command).text !== command)
  t.ok(
    harmed.length <= ORDINARY / 100,
    `${harmed.length} harmed: ${harmed.slice(0, 12).join('\n')}`
  )
})

test('redact - the generated secrets are spread over kinds, places and letters', (t) => {
  const lines = secretLines(seededRandom(22), SECRETS)
  t.is(new Set(lines.map(({ secret }) => secret)).size, SECRETS, 'no secret twice')
  const kinds = new Map<string, number>()
  for (const { kind } of lines) kinds.set(kind, (kinds.get(kind) ?? 0) + 1)
  t.ok(kinds.size >= 55, `${kinds.size} kinds`)
  t.ok(Math.min(...kinds.values()) >= 15)
  t.ok(new Set(lines.map(({ text, secret }) => text.replace(secret, ''))).size >= SECRETS / 3)
  // All secrets of a kind have no more than the issuer's prefix in common.
  for (const kind of kinds.keys()) {
    const own = lines.filter((line) => line.kind === kind).map(({ secret }) => secret)
    const ends = new Set(own.map((secret) => secret.slice(-7)))
    t.ok(kind === 'pem' || ends.size > own.length * 0.7, kind)
  }
  t.unlike(secretLines(seededRandom(23), 5), secretLines(seededRandom(24), 5))
})

test('redact - the ordinary commands are different ones and hold hashes, digests and paths', (t) => {
  const commands = ordinaryCommands(seededRandom(21), ORDINARY)
  t.is(new Set(commands).size, ORDINARY)
  t.ok(commands.filter((command) => /\b[0-9a-f]{40}\b/.test(command)).length > 20)
  t.ok(commands.filter((command) => /\b[0-9a-f]{64}\b/.test(command)).length > 20)
  t.ok(commands.filter((command) => /[0-9a-f]{8}-[0-9a-f]{4}-/.test(command)).length > 20)
  t.ok(commands.filter((command) => /password|token|secret/.test(command)).length > 200)
  t.ok(new Set(commands.map((command) => command.split(' ')[0])).size > 25)
})

test('redact - what stands around a secret stays', (t) => {
  t.is(redact('mysql -u root -pS3cr3tWord shop').text, `mysql -u root -p${REDACTED} shop`)
  t.is(
    redact('git push https://me:Kd82-x9@git.example.com/a.git').text,
    `git push https://me:${REDACTED}@git.example.com/a.git`
  )
  t.is(redact('FOO=1 API_TOKEN=abc123 ./run').text, `FOO=1 API_TOKEN=${REDACTED} ./run`)
  t.is(redact('nothing here').count, 0)
})

test('redact - twice is once', (t) => {
  for (const { text } of secretLines(seededRandom(25), 200)) {
    const once = redact(text).text
    t.is(redact(once).text, once)
  }
})

test('redact - a block that is cut is taken out to its end', (t) => {
  const text = 'a\n-----BEGIN RSA PRIVATE KEY-----\nMIIEpAIBAAKCAQEA7\nxyz'
  t.alike(redact(text), { text: `a\n${REDACTED}`, count: 1 })
})

test('redact - a public key is no secret', (t) => {
  const text = '-----BEGIN PUBLIC KEY-----\nabc\n-----END PUBLIC KEY-----'
  t.is(redact(text).text, text)
})

test('redact - a MiB of hostile text takes bounded time', { timeout: 120_000 }, (t) => {
  const pieces = [
    'a',
    '=',
    '"',
    'password=',
    'password="',
    '--token ',
    'https://a:',
    'mysql ',
    'curl -u ',
    'Bearer ',
    'authorization: "',
    '-----BEGIN A PRIVATE KEY-----',
    'eyJ',
    'x_key=',
    'passwords for ',
    '//a/b',
    'echo ',
    'a_',
    'A1b',
    '.',
    '\\',
    'token_',
    '?key',
    'machine a ',
    'openssl -pass ',
    'secret: ',
    "'",
    'echo a|'
  ]
  for (const piece of pieces) {
    for (const end of ['', '\n']) {
      const line = piece.repeat(Math.floor(8000 / piece.length)) + end
      const text = line.repeat(Math.ceil(2 ** 20 / line.length))
      const start = process.cpuUsage().user
      redact(text)
      const cpuMs = (process.cpuUsage().user - start) / 1000
      t.ok(cpuMs < 5000, `${JSON.stringify(piece)} ${JSON.stringify(end)}: ${cpuMs.toFixed(0)} ms`)
    }
  }
})
