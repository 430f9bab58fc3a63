// The small model that comes with swarm, measured: generated held-out cases (sentinel-held-out.ts), failures
// of another collection beside rules and memory (sentinel-failures.ts), speed and first token
// (sentinel-speed.ts). The model card, models/README.md, has what this prints.

import { statSync } from 'node:fs'

import { shippedModelPath } from '../src/cli/shipped-model.ts'
import { failuresPart } from './sentinel-failures.ts'
import { heldOutPart } from './sentinel-held-out.ts'
import { SentinelEngine } from './sentinel-engine.ts'
import { speedPart } from './sentinel-speed.ts'

const PARTS = ['held-out', 'failures', 'speed'] as const

export async function sentinelBench(args: string[]): Promise<void> {
  const valueOf = (name: string): string | undefined => {
    const at = args.indexOf(name)
    return at >= 0 ? args[at + 1] : undefined
  }
  const part = valueOf('--part')
  const path = valueOf('--model') ?? shippedModelPath()
  const wants = (name: (typeof PARTS)[number]): boolean => part === undefined || part === name
  const engine = await SentinelEngine.open(path)
  try {
    console.log(`${engine.name}, ${statSync(path).size} bytes, id ${engine.id.slice(0, 8)}`)
    if (wants('held-out')) await heldOutPart(engine, Number(valueOf('--cases') ?? 2000))
    if (wants('failures')) await failuresPart(engine)
    if (wants('speed')) await speedPart(path)
  } finally {
    await engine.close()
  }
}
