// How long it takes two machines to find each other: from the start of the second process to the moment
// when both have told of their link, as whoever started them sees it. For tests and for bench/join.ts.

import { systemClock } from '../../../src/base/clock.ts'
import { sysctl, type Host, type Net } from './namespaces.ts'

import type { JoinOptions, Json, Lab } from '../swarm-lab.ts'

/** Where the two run, and what they are given to find each other by. */
export interface Meeting {
  places: readonly [JoinOptions, JoinOptions]
  flags: readonly string[]
}

/** Two hosts that only a router joins, so that no beacon gets through, and a private DHT on it. */
export async function routedMeeting(lab: Lab, net: Net): Promise<Meeting> {
  const [a, b, router] = [net.host(), net.host(), net.host()]
  for (const [index, host] of [a, b].entries()) {
    const gateway = `10.78.${index}.254`
    net.cable(
      { host, ipv4: `10.78.${index}.1/24`, ipv6: false },
      { host: router, port: `to${index}`, ipv4: `${gateway}/24`, ipv6: false }
    )
    net.ip(host, ['route', 'add', '10.78.0.0/16', 'via', gateway])
  }
  net.ip(router, ['link', 'set', 'lo', 'up'])
  sysctl(router, 'net.ipv4.ip_forward', '1')
  const argv = ['bootstrap', '--host', '10.78.0.254', '--port', '0', '--until-eof', '--json']
  const command = lab.start(argv, { prefix: router.inside })
  const { host, port } = await command.line((line) => typeof line['port'] === 'number')
  return { places: at(a, b), flags: ['--bootstrap', `${host}:${port}`] }
}

export function at(...hosts: [Host, Host]): [JoinOptions, JoinOptions] {
  return hosts.map(({ inside }) => ({ prefix: inside })) as [JoinOptions, JoinOptions]
}

export interface JoinTime {
  /** From the start of the process. */
  totalMs: number
  /** Of that, since the program had been loaded and said its first word. */
  findingMs: number
}

/**
 * Starts the first machine once and the second, each time as a newcomer, `count` times.
 * @returns one for each start.
 */
export async function joinTimes(
  lab: Lab,
  { places, flags }: Meeting,
  count: number
): Promise<JoinTime[]> {
  const topic = lab.topic('join times')
  const isLink = ({ kind, text }: Json) => kind === 'peer' && text.includes(' is here')
  const first = lab.join(`${topic} first`, topic, flags, places[0])
  await first.event('port')
  const times: JoinTime[] = []
  for (let index = 0; index < count; index++) {
    const before = first.command.lines.filter(isLink).length
    const startMs = systemClock.now()
    const second = lab.join(`${topic} ${index}`, topic, flags, places[1])
    await second.event('topic')
    const loadedMs = systemClock.now()
    await Promise.all([
      second.command.line(isLink),
      first.command.until(() => first.command.lines.filter(isLink).length > before)
    ])
    const nowMs = systemClock.now()
    times.push({ totalMs: nowMs - startMs, findingMs: nowMs - loadedMs })
    second.command.signal('SIGKILL')
    await second.command.ended
  }
  first.command.signal('SIGKILL')
  await first.command.ended
  return times
}
