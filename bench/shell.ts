// The shell's bench: what the hook costs, and how often `swarm why` is right where that half is there.

import { existsSync } from 'node:fs'
import { shellLatency } from './shell-latency.ts'

export async function shellBench(args: string[]): Promise<void> {
  await shellLatency(args)
  const accuracy = new URL('./shell-accuracy.js', import.meta.url)
  if (!existsSync(accuracy)) return
  const { shellAccuracyBench } = (await import(accuracy.href)) as {
    shellAccuracyBench: (args: string[]) => Promise<void>
  }
  await shellAccuracyBench(args)
}
