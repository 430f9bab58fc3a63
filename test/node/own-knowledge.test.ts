// The real store without a peer, as `swarm learn` and its like open it: the real program, one process
// after the other.

import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import test, { type Test } from 'brittle'
import { lockFile } from '../../src/base/file-lock.ts'
import { silentLog } from '../../src/base/log.ts'
import { openOwnKnowledge } from '../../src/node/own-knowledge.ts'

const PROGRAM = fileURLToPath(new URL('../../bin/swarm.js', import.meta.url))
const SLOW = { timeout: 120_000 }
const { signal } = new AbortController()

function shellOf(folder: string) {
  const env = { PATH: process.env['PATH'] ?? '', HOME: folder, XDG_RUNTIME_DIR: folder }
  return async (...argv: string[]) => {
    const { stdout } = await promisify(execFile)(process.execPath, [PROGRAM, ...argv, '--json'], {
      env
    })
    return JSON.parse(stdout.trimEnd().split('\n').at(-1) as string) as Record<string, any>
  }
}

async function openIn(t: Test, dataDir: string) {
  const own = await openOwnKnowledge({ dataDir, log: silentLog }, signal)
  t.teardown(() => own.close())
  return own
}

test('own knowledge - what one process learns the next one finds and forgets', SLOW, async (t) => {
  const swarm = shellOf(await t.tmp())
  const learnt = await swarm('learn', 'The staging database listens on port 6432.')
  const [entry] = learnt['entries']
  t.alike([entry.scope, entry.isKnown], ['local', false])
  const [hit] = (await swarm('query', 'which port has the staging database'))['hits']
  t.alike([hit.id, hit.scope], [entry.id, 'local'])
  t.ok(hit.similarity > 0.3)
  t.alike(await swarm('forget', entry.id.slice(0, 8)), { id: entry.id, isOwn: true })
  t.alike((await swarm('query', 'staging'))['hits'], [])
})

test(
  'own knowledge - the folder is locked while it is open, and free again after',
  SLOW,
  async (t) => {
    const dataDir = await t.tmp()
    const own = await openIn(t, dataDir)
    await t.exception(openOwnKnowledge({ dataDir, log: silentLog }, signal), { code: 'STORE_BUSY' })
    await own.learn({ answer: 'one' })
    await own.close()
    const again = await openIn(t, dataDir)
    t.is(again.status().entries, 1)
  }
)

test('own knowledge - an interrupted opening leaves no lock behind', SLOW, async (t) => {
  const dataDir = await t.tmp()
  const cut = openOwnKnowledge({ dataDir, log: silentLog }, AbortSignal.abort())
  await t.exception(cut, { name: 'AbortError' })
  lockFile(join(dataDir, 'lock'), 'the folder').release()
  t.pass()
})
