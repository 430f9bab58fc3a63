import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import test from 'brittle'
import { lockFile, lockHolder } from '../../src/base/file-lock.ts'

test('file lock - a second holder is refused with the name of the first', async (t) => {
  const path = join(await t.tmp(), 'lock')
  const first = lockFile(path, 'the folder')
  await t.exception(() => lockFile(path, 'the folder'), new RegExp(`process ${process.pid};`))
  first.release()
  first.release()
  lockFile(path, 'the folder').release()
})

test('file lock - a killed process leaves nothing behind', async (t) => {
  const path = join(await t.tmp(), 'lock')
  const module = new URL('../../src/base/file-lock.js', import.meta.url).href
  const script = `import { lockFile, lockHolder } from '${module}'
    lockFile('${path}', 'the folder'); console.log('held'); setInterval(() => {}, 1000)`
  const child = spawn(process.execPath, ['--input-type=module', '-e', script])
  t.teardown(() => child.kill('SIGKILL'))
  await once(child.stdout, 'data')
  await t.exception(() => lockFile(path, 'the folder'), new RegExp(`process ${child.pid};`))
  child.kill('SIGKILL')
  await once(child, 'exit')
  lockFile(path, 'the folder').release()
})

test('file lock - a folder that cannot be written is named', async (t) => {
  const path = join(await t.tmp(), 'missing', 'lock')
  await t.exception(() => lockFile(path, 'the folder'), /the folder cannot be written/)
})

test('file lock - the holder is told without taking the lock', async (t) => {
  const path = join(await t.tmp(), 'lock')
  t.is(lockHolder(path), null)
  const lock = lockFile(path, 'the folder')
  t.is(lockHolder(path), String(process.pid))
  lock.release()
  t.is(lockHolder(path), null)
  lockFile(path, 'the folder').release()
})
