// The generated model files that benches share: made once, kept in the user's cache folder.

import { existsSync, mkdirSync, renameSync, statSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import type { SyntheticSpec } from '../src/model/synthetic/spec.ts'
import { syntheticModelBytes, writeSyntheticModel } from '../src/model/synthetic/write-model.ts'

export async function benchModel(spec: SyntheticSpec): Promise<string> {
  const cache = process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache')
  const folder = join(cache, 'swarm', 'bench')
  const path = join(folder, `${spec.name.replace(/\W+/g, '-')}-${spec.quant}-${spec.seed}.gguf`)
  if (existsSync(path) && statSync(path).size === syntheticModelBytes(spec)) return path
  console.log(`writing ${path} once`)
  mkdirSync(folder, { recursive: true })
  await writeSyntheticModel(`${path}.part`, spec)
  renameSync(`${path}.part`, path)
  return path
}
