// Compiles TypeScript into a fresh dist/ (a test that was deleted must not run on), puts the scripts of
// shells beside what reads them, and makes the command executable, because npm does so only when it links
// it.

import { spawnSync } from 'node:child_process'
import { chmodSync, copyFileSync, existsSync, readdirSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'

rmSync('dist', { recursive: true, force: true })
const { resolve } = createRequire(import.meta.url)
const tsc = join(dirname(resolve('typescript/package.json')), 'bin', 'tsc')
const { status } = spawnSync(process.execPath, [tsc, '-p', '.'], { stdio: 'inherit' })
if (existsSync('dist/bin/swarm.js')) {
  chmodSync('dist/bin/swarm.js', 0o755)
  for (const folder of ['src/shell', 'bench']) {
    const scripts = readdirSync(folder).filter((name) => name.endsWith('.zsh'))
    for (const name of scripts) copyFileSync(join(folder, name), join('dist', folder, name))
  }
}
process.exit(status ?? 1)
