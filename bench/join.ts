// How soon a machine that has just started has a link: median, p99 and worst of many starts, on a bare
// cable with each kind of address and through a private DHT behind a router. Network namespaces and real
// processes; the start of the process itself is in every figure.

import { loadavg } from 'node:os'

import { Lab } from '../test/helpers/swarm-lab.ts'
import { at, joinTimes, routedMeeting, type Meeting } from '../test/helpers/net/join-times.ts'
import { CABLES, Net, type CableKind } from '../test/helpers/net/namespaces.ts'
import { median } from './statistics.ts'

const STARTS = 50

export async function joinBench(args: string[]): Promise<void> {
  const startsAt = args.indexOf('--starts')
  const starts = startsAt >= 0 ? Number(args[startsAt + 1]) : STARTS
  const missing = Net.missing()
  if (missing !== null) console.log(`${missing}; only this machine's own loopback is measured`)
  console.log(
    `start of the second process to a link that both sides have told of, ${starts} starts, ms`
  )
  console.log(`${''.padEnd(24)}  median     p99   worst   median after loading the program`)
  await report('one machine', starts, () => Promise.resolve({ places: [{}, {}], flags: [] }))
  if (missing !== null) return
  for (const kind of Object.keys(CABLES) as CableKind[]) {
    await report(`bare cable, ${kind}`, starts, async (_, net) => {
      return { places: at(...net.bareCable(kind)), flags: [] }
    })
  }
  await report('private DHT, routed', starts, routedMeeting)
}

async function report(
  what: string,
  starts: number,
  prepare: (lab: Lab, net: Net) => Promise<Meeting>
): Promise<void> {
  const [lab, net] = [new Lab(), new Net()]
  try {
    const times = await joinTimes(lab, await prepare(lab, net), starts)
    const total = times.map(({ totalMs }) => totalMs)
    const sorted = total.toSorted((a, b) => a - b)
    const p99 = sorted[Math.ceil(0.99 * sorted.length) - 1] as number
    const figures = [median(total), p99, sorted.at(-1) as number]
    const columns = figures.map((ms) => ms.toFixed(0).padStart(6)).join('  ')
    const finding = median(times.map(({ findingMs }) => findingMs)).toFixed(0)
    console.log(
      `${what.padEnd(24)}  ${columns}   ${finding.padStart(6)}   load ${loadavg()[0]?.toFixed(1)}`
    )
  } finally {
    await lab.close()
    net.close()
  }
}
