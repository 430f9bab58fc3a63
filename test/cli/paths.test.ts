import { mkdirSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import test from 'brittle'
import { SOCKET_PATH_BYTES_MAX } from '../../src/base/limits.ts'
import { controlSocketPath, dataDirPath, makeDataDir, makeRuntimeDir } from '../../src/cli/paths.ts'

test('paths - the data directory follows XDG', (t) => {
  t.is(dataDirPath(undefined, { HOME: '/home/me' }), '/home/me/.local/share/swarm')
  t.is(dataDirPath(undefined, { HOME: '/h', XDG_DATA_HOME: '/data' }), '/data/swarm')
  const relative = { HOME: '/h', XDG_DATA_HOME: 'data' }
  t.is(dataDirPath(undefined, relative), '/h/.local/share/swarm', 'a relative one is ignored')
  t.is(dataDirPath('x', {}), join(process.cwd(), 'x'))
  t.is(dataDirPath('~/x', {}), join(homedir(), 'x'))
})

test('paths - the socket fits whatever the data directory is called', async (t) => {
  const folder = await t.tmp()
  const deep = join(folder, 'x'.repeat(200), 'y'.repeat(200))
  makeDataDir(deep)
  const runtime = join(folder, 'z'.repeat(90 - folder.length))
  makeDataDir(runtime)
  for (const XDG_RUNTIME_DIR of [folder, runtime]) {
    const path = controlSocketPath(deep, { XDG_RUNTIME_DIR })
    t.ok(Buffer.byteLength(path) <= SOCKET_PATH_BYTES_MAX, path)
    t.is(path.startsWith(XDG_RUNTIME_DIR), XDG_RUNTIME_DIR === folder)
  }
})

test('paths - a runtime folder that is not there or not absolute is passed over', async (t) => {
  const folder = await t.tmp()
  const without = controlSocketPath(folder, {})
  for (const XDG_RUNTIME_DIR of [join(folder, 'absent'), 'relative', '', '/proc/version/x']) {
    t.is(controlSocketPath(folder, { XDG_RUNTIME_DIR }), without, XDG_RUNTIME_DIR)
  }
})

test('paths - every way to a data directory leads to one socket, another to another', async (t) => {
  const folder = await t.tmp()
  const env = { XDG_RUNTIME_DIR: folder }
  const real = join(folder, 'real')
  mkdirSync(real)
  symlinkSync(real, join(folder, 'link'))
  t.is(controlSocketPath(join(folder, 'link'), env), controlSocketPath(real, env))
  t.not(controlSocketPath(join(folder, 'other'), env), controlSocketPath(real, env))
})

test('paths - folders are made for their owner only', async (t) => {
  const folder = await t.tmp()
  const env = { XDG_RUNTIME_DIR: folder }
  makeDataDir(join(folder, 'a', 'b'))
  makeRuntimeDir(env)
  for (const path of [join(folder, 'a', 'b'), join(folder, 'swarm')]) {
    t.is(statSync(path).mode & 0o777, 0o700)
  }
})

test('paths - a data directory that cannot be made is a clear refusal', async (t) => {
  const file = join(await t.tmp(), 'file')
  writeFileSync(file, '')
  for (const path of [file, join(file, 'x'), '/proc/1/swarm/x']) {
    await t.exception(() => makeDataDir(path), { code: 'STORE_UNREADABLE' })
  }
})
