// Builds the native addon at install time. Never fails the installation: without a compiler the
// program still joins as a peer that does not compute, and says so when it is started.

import { spawnSync } from 'node:child_process'
import { createRequire } from 'node:module'

const cmakeJs = createRequire(import.meta.url).resolve('cmake-js/bin/cmake-js')
const result = spawnSync(process.execPath, [cmakeJs, 'compile', '--log-level', 'warn'], {
  stdio: 'inherit'
})
if (result.status !== 0) {
  console.error(
    'swarm: the native addon was not built (a C++17 compiler and CMake 3.15 are needed).\n' +
      'swarm: this machine can join a swarm but not compute; install them and run: npm rebuild'
  )
}
