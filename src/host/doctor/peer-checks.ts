// What is between the running peer and each other peer of its topic, and in one sentence why a peer
// cannot be reached. Pure: all of it was said by the running peer.

import { clip, formatDuration } from '../../base/text.ts'
import { mend, note, ok, type Diagnosis } from './diagnosis.ts'

import type { DoctorFacts, RunningFacts, RunningPeer, Trouble } from './facts.ts'

const NAME_CHARS_MAX = 40

/** One diagnosis for each other peer that the topic knows. */
export function reachOfPeers({ running }: DoctorFacts): Diagnosis[] {
  if (running === null) return []
  const others = running.peers.filter(({ self }) => !self)
  if (others.length === 0) return [aloneInTopic(running)]
  return others.map((peer) => reachOf(peer, running))
}

function aloneInTopic({ topic, reach }: RunningFacts): Diagnosis {
  const text = `nobody else is in topic '${clip(topic, 64)}'. ${reach}`
  return note(
    'peers',
    text,
    `on the other machine: swarm join ${shellWord(topic)}, then look again`
  )
}

function reachOf(peer: RunningPeer, running: RunningFacts): Diagnosis {
  const check = nameOf(peer)
  if (peer.lane === 'tcp') {
    const rtt = peer.rttMs === null ? '' : `, ${peer.rttMs.toFixed(2)} ms there and back`
    return ok(check, `linked, both directions answer, activations over TCP${rtt}`)
  }
  if (peer.lane !== null) {
    const text =
      'linked, both directions answer, but activations go over UDP, ten times slower per hop: neither ' +
      'machine could open a TCP connection to the other'
    if (!isNear(peer.host)) return note(check, `${text} (it is not on this network)`)
    return mend(check, text, 'let the other machine in on either side; see the firewall line')
  }
  if (peer.host !== null) {
    return note(check, 'linked; its way for activations is just being opened or replaced')
  }
  const trouble = running.troubles.findLast(({ data }) => data?.['peer'] === peer.key)
  if (trouble !== undefined) return explained(check, trouble)
  if (peer.state !== 'alive') {
    return note(check, `${peer.state}: it left, or nobody has heard of it for a while`)
  }
  const text =
    'others are linked to it, this machine is not: none of its addresses answered here, nor ours there'
  return mend(check, text, 'run swarm doctor on both machines; see their firewall lines')
}

/** Why connections of keys without a record came to nothing, each reason once. */
export function strangers({ running }: DoctorFacts): Diagnosis[] {
  if (running === null) return []
  const known = new Set(running.peers.map(({ key }) => key))
  const unknown = running.troubles.filter(({ kind, data }) => {
    return kind === 'refused' && !known.has(String(data?.['peer']))
  })
  const byCode = new Map(unknown.map((trouble) => [String(trouble.data?.['code']), trouble]))
  return [...byCode.values()].map((trouble) => {
    const key = String(trouble.data?.['peer'] ?? '').slice(0, 8)
    return { ...explained(`stranger ${key}`, trouble), level: 'note' as const }
  })
}

/** What the peer itself complained of, each sentence once. */
export function complaints({ running }: DoctorFacts): Diagnosis[] {
  const errors = (running?.troubles ?? []).filter(({ kind, data }) => {
    return kind === 'error' && data?.['code'] !== 'PEER_DUPLICATE'
  })
  return [...new Set(errors.map(({ text }) => clip(text, 400)))].map((text) => {
    return note('errors', `the running peer said: ${text}`)
  })
}

const FIXES: Record<string, string> = {
  WIRE_PROOF: 'join with the same topic and the same --secret on both machines',
  WIRE_VERSION: 'install the same version of swarm on both machines',
  MODEL_SECOND: 'give both machines the same model file, or another topic',
  PEER_BUSY: 'wait a moment; the other machine has too much to do'
}

function explained(check: string, { text, data }: Trouble): Diagnosis {
  const fix = FIXES[String(data?.['code'])] ?? 'run swarm doctor on that machine'
  return mend(check, `refused: ${clip(text, 400)}`, fix)
}

export function versions({ running }: DoctorFacts): Diagnosis[] {
  if (running === null) return []
  const others = running.peers.filter(({ self }) => !self)
  const odd = others.filter(
    ({ arithmeticVersion }) => arithmeticVersion !== running.arithmeticVersion
  )
  if (odd.length > 0) {
    const names = odd.map((peer) => `${nameOf(peer)} ${peer.arithmeticVersion}`).join(', ')
    const text = `this machine computes by arithmetic ${running.arithmeticVersion}, but ${names}`
    return [
      mend('versions', `${text}; they cannot share a session`, FIXES['WIRE_VERSION'] as string)
    ]
  }
  const older = others.filter(({ version }) => version !== running.version)
  if (older.length > 0) {
    const names = older.map((peer) => `${nameOf(peer)} ${clip(peer.version, 32)}`).join(', ')
    return [note('versions', `this machine has ${running.version}, but ${names}; they get along`)]
  }
  return others.length === 0 ? [] : [ok('versions', `all peers have ${running.version}`)]
}

/** People compare times that peers wrote: beyond this the order of things looks wrong to them. */
const SKEW_MS = 2000

/** Clocks of the linked peers beside ours. Nothing breaks by a wrong one. */
export function clocks({ running }: DoctorFacts): Diagnosis[] {
  const linked = (running?.peers ?? []).filter((peer) => !peer.self && peer.clockSkewMs !== null)
  if (linked.length === 0) return []
  const off = linked.filter(({ clockSkewMs }) => Math.abs(clockSkewMs as number) > SKEW_MS)
  if (off.length === 0) return [ok('clocks', 'all linked peers agree within two seconds')]
  const shown = off.map((peer) => `${nameOf(peer)} is ${skewText(peer.clockSkewMs as number)}`)
  // When most others agree with each other and not with us, it is ours that is wrong.
  const isOurs = off.length > 1 && off.length === linked.length
  const where = isOurs ? 'here' : 'on the machine that is wrong'
  const text = `${shown.join(', ')}; sessions do not mind, but the times shown beside facts are wrong`
  return [note('clocks', text, `timedatectl set-ntp true ${where}`)]
}

function skewText(skewMs: number): string {
  return `${formatDuration(Math.abs(skewMs))} ${skewMs > 0 ? 'ahead of' : 'behind'} this machine`
}

export function duplicates({ running, machine }: DoctorFacts): Diagnosis[] {
  if (running === null) return []
  const found = running.troubles.findLast(({ data }) => data?.['code'] === 'PEER_DUPLICATE')
  if (found === undefined) return [ok('identity in use', `${running.key.slice(0, 8)}, once`)]
  const text = `two machines use one identity: ${clip(found.text, 400)}`
  const fix = `on the copied machine: swarm stop, rm '${machine.dataDir.path}/identity', join again`
  return [mend('identity in use', text, fix)]
}

function nameOf({ name, key }: RunningPeer): string {
  return `${clip(name, NAME_CHARS_MAX)} (${key.slice(0, 8)})`
}

/** An address that only a machine of the same network can have. */
function isNear(host: string | null): boolean {
  return /^(10\.|127\.|169\.254\.|192\.168\.|172\.(1[6-9]|2\d|3[01])\.|fe80:|f[cd]|::1)/i.test(
    host ?? ''
  )
}

function shellWord(text: string): string {
  return /^[\w.-]+$/.test(text) ? text : `'${clip(text, 64).replaceAll("'", "'\\''")}'`
}
