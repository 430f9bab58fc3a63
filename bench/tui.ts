// What the dashboard costs: processor time of its own process, attached to one of three peers that
// generate without end, at 4 frames a second in a real terminal (tmux). Start-up is not in the figures.

import { readFileSync } from 'node:fs'
import { loadavg } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'

import { ENDLESS, endlessModel } from '../test/helpers/endless.ts'
import { Lab, type LabPeer } from '../test/helpers/swarm-lab.ts'
import { Tmux, tmuxMissing } from '../test/helpers/tmux.ts'

/**
 * Share of one core that watching may take. A chat also pays for every token that it receives, here some
 * hundreds a second of a toy model, so its line is told with that rate and not judged.
 */
const SHARE_MAX = 0.06
const SECONDS = 20
const SIZES = [
  [120, 40],
  [200, 60]
] as const
/** USER_HZ of Linux, whatever the kernel's own tick. */
const JIFFIES_PER_SECOND = 100

export async function tuiBench(args: string[]): Promise<void> {
  const secondsAt = args.indexOf('--seconds')
  const seconds = secondsAt >= 0 ? Number(args[secondsAt + 1]) : SECONDS
  const missing = tmuxMissing()
  if (missing !== null) return console.log(`left out: ${missing}`)
  const lab = new Lab()
  try {
    const peers = await lab.pinned(await endlessModel(lab), ['0-0', '1-2', '3-3'])
    await Promise.all(peers.map((peer) => peer.event('layers')))
    const origin = peers[0] as LabPeer
    console.log(`${seconds} s each, 4 frames/s, three peers that generate on the same machine`)
    console.log('size     screen     CPU of one core   written/s   memory')
    for (const [width, height] of SIZES) await measure(lab, origin, width, height, seconds)
  } finally {
    await lab.close()
  }
}

async function measure(
  lab: Lab,
  origin: LabPeer,
  width: number,
  height: number,
  seconds: number
): Promise<void> {
  const terminal = Tmux.start(lab, width, height)
  try {
    terminal.swarm('dash', '--data-dir', origin.dataDir, '--temp', '0', '-n', '30000')
    await terminal.until(/── PEERS/)
    const pid = terminal.childPid
    for (const [key, screen] of [
      ['1', 'overview'],
      ['2', 'pipeline'],
      ['3', 'chat']
    ] as const) {
      terminal.keys(key)
      if (screen === 'chat') {
        terminal.type('one two')
        terminal.keys('Enter')
      }
      const asked = screen === 'chat' ? null : lab.start(generateArgs(origin))
      await sleep(2000)
      const before = usage(pid)
      await sleep(seconds * 1000)
      const after = usage(pid)
      const { tokensPerSecond } = (await origin.client.top()).now
      asked?.signal('SIGINT')
      await asked?.ended
      const share = (after.jiffies - before.jiffies) / JIFFIES_PER_SECOND / seconds
      const written = ((after.written - before.written) / seconds / 1000).toFixed(1)
      const figures = `${(share * 100).toFixed(1)} %`.padStart(15)
      console.log(
        `${`${width}x${height}`.padEnd(8)} ${screen.padEnd(10)} ${figures}   ${written.padStart(6)} KB` +
          `   ${after.residentMb} MB   ${tokensPerSecond.toFixed(0)} tok/s, load ${loadavg()[0]?.toFixed(1)}`
      )
      if (screen !== 'chat' && share > SHARE_MAX) process.exitCode = 1
    }
  } finally {
    terminal.close()
  }
}

function generateArgs({ dataDir }: LabPeer): string[] {
  return ['generate', '--data-dir', dataDir, ...ENDLESS, '--json']
}

/** Processor time, bytes written and memory of a process so far. */
function usage(pid: number): { jiffies: number; written: number; residentMb: number } {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  const fields = stat
    .slice(stat.lastIndexOf(')') + 2)
    .split(' ')
    .map(Number)
  const [written] = /wchar: (\d+)/.exec(readFileSync(`/proc/${pid}/io`, 'utf8'))?.slice(1) ?? []
  const [kb] = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.slice(1) ?? []
  return {
    jiffies: (fields[11] as number) + (fields[12] as number),
    written: Number(written),
    residentMb: Math.round(Number(kb) / 1024)
  }
}
