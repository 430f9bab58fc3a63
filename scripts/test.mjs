// Runs every compiled test file, or those whose path contains one of the arguments, each in a process
// of its own, so that a crash, a leak or a forced kernel table in one cannot reach another. Prints one
// line per file, the whole output of a file that fails, and the reason of every skipped test. What fails is
// not tried again, but for claims of time: those are of a machine that does nothing else.

import { spawn } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'

const FILE_TIMEOUT_MS = 15 * 60_000
const PATIENCE = new URL('patience.mjs', import.meta.url).href
// Node's main thread drains V8's workers before it ends. One of them that is still optimising a function
// and meets the heap's limit waits for a collection by that very thread: about one exit in three hundred
// of a busy file never came (nodejs/node#54918). Optimised on the main thread, a file takes a tenth longer.
const NODE_FLAGS = ['--enable-source-maps', '--no-concurrent-recompilation', `--import=${PATIENCE}`]
const wanted = process.argv.slice(2)
const files = readdirSync('dist/test', { recursive: true })
  .filter((file) => file.endsWith('.test.js'))
  .filter((file) => wanted.length === 0 || wanted.some((part) => file.includes(part)))
  .toSorted()

const skips = []
const failed = []
const late = []
let assertions = 0

/**
 * Whether nothing failed but claims of time, whose text says their milliseconds: beside other files a machine
 * of two cores is slower than what is claimed of it.
 */
function isLate(status, output) {
  const claims = [...output.matchAll(/^ {4}not ok \d+ - (.*)$/gm)].map(([, text]) => text)
  const tests = [...output.matchAll(/^not ok \d+ - /gm)]
  const isTimed = claims.length >= tests.length && claims.every((text) => /\d ms\b/.test(text))
  return status === 1 && tests.length > 0 && isTimed
}

function run(file, isAlone = false) {
  return new Promise((resolve) => {
    const started = performance.now()
    const child = spawn(process.execPath, [...NODE_FLAGS, join('dist/test', file)], {
      stdio: ['ignore', 'pipe', 'pipe']
    })
    const timer = setTimeout(() => child.kill('SIGKILL'), FILE_TIMEOUT_MS)
    let output = ''
    child.stdout.on('data', (data) => (output += data))
    child.stderr.on('data', (data) => (output += data))
    child.on('close', (status, signal) => {
      clearTimeout(timer)
      const seconds = ((performance.now() - started) / 1000).toFixed(1)
      const passed = (output.match(/^ {4}ok \d+/gm) ?? []).length
      const ok = status === 0 && /^# ok$/m.test(output)
      assertions += passed
      for (const [, text] of output.matchAll(/^ok \d+ - (.*# SKIP.*)$/gm)) {
        skips.push(`${file}: ${text}`)
      }
      for (const [, text] of output.matchAll(/^ *# (skipped: .*)$/gm))
        skips.push(`${file}: ${text}`)
      console.log(`${ok ? 'ok  ' : 'FAIL'} ${file} (${passed} assertions, ${seconds} s)`)
      if (!ok) {
        if (!isAlone && isLate(status, output)) late.push(file)
        else failed.push(file)
        console.log(output)
        if (signal) console.log(`killed by ${signal}`)
      }
      resolve()
    })
  })
}

const queue = [...files]
// Tests of processes wait for most of their time: one more than there are processors.
const workers = Array.from({ length: Math.min(4, availableParallelism() + 1) }, async () => {
  while (queue.length > 0) await run(queue.shift())
})
await Promise.all(workers)
for (const file of late) {
  console.log(`slower than claimed beside other files, once more alone: ${file}`)
  await run(file, true)
}

for (const file of late) console.log(`tried again: ${file}`)
for (const skip of skips) console.log(`skipped: ${skip}`)
console.log(`${files.length} files, ${assertions} assertions, ${skips.length} skipped`)
if (failed.length > 0 || files.length === 0) {
  console.log(failed.length > 0 ? `failed: ${failed.join(', ')}` : 'no test file matches')
  process.exit(1)
}
