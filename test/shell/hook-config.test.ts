import { existsSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'brittle'
import { TOPIC_NAME_BYTES_MAX } from '../../src/base/limits.ts'
import { HOOK_FILE_BYTES_MAX, HOOK_TOPICS_MAX } from '../../src/base/shell-limits.ts'
import { maySend, readHookConfig, writeHookConfig } from '../../src/shell/hook-config.ts'

const OFF = { enabled: false, shareTopics: [], notice: false }
const ON = { enabled: true, shareTopics: ['home'], notice: true }

test('hook config - off without a file; what is written is read; off again leaves no file', async (t) => {
  const folder = await t.tmp()
  const path = join(folder, 'hook.json')
  t.alike(readHookConfig(folder), OFF)
  writeHookConfig(folder, ON)
  t.alike(readHookConfig(folder), ON)
  t.is(statSync(path).mode & 0o777, 0o600)
  writeHookConfig(folder, { ...ON, enabled: false })
  t.absent(existsSync(path))
})

test('hook config - nothing leaves without a consent for exactly this topic', (t) => {
  t.ok(maySend(ON, 'home'))
  t.absent(maySend(ON, 'homes') || maySend(ON, 'Home') || maySend(OFF, 'home'))
  t.absent(maySend({ ...ON, enabled: false }, 'home'))
})

test('hook config - a file that is not ours is refused, so that consent is never guessed', async (t) => {
  const folder = await t.tmp()
  const path = join(folder, 'hook.json')
  const bad: unknown[] = [
    null,
    [],
    'yes',
    { ...ON, enabled: 'true' },
    { ...ON, notice: 1 },
    { ...ON, shareTopics: 'home' },
    { ...ON, shareTopics: [1] },
    { ...ON, shareTopics: [''] },
    { ...ON, shareTopics: ['x'.repeat(TOPIC_NAME_BYTES_MAX + 1)] },
    { ...ON, shareTopics: Array.from({ length: HOOK_TOPICS_MAX + 1 }, (_, i) => `t${i}`) }
  ]
  for (const value of bad) {
    writeFileSync(path, JSON.stringify(value))
    t.exception(
      () => readHookConfig(folder),
      /swarm hook disable/,
      JSON.stringify(value)?.slice(0, 40)
    )
  }
  const text = JSON.stringify(ON)
  for (let size = 0; size < text.length; size++) {
    writeFileSync(path, text.slice(0, size))
    t.exception(() => readHookConfig(folder), /swarm hook disable/)
  }
  writeFileSync(path, text + ' '.repeat(HOOK_FILE_BYTES_MAX))
  t.exception(() => readHookConfig(folder), /swarm hook disable/)
})

test('hook config - a name that no topic has, or one too many, is refused', async (t) => {
  const folder = await t.tmp()
  const topics = Array.from({ length: HOOK_TOPICS_MAX }, (_, i) => `t${i}`)
  writeHookConfig(folder, { ...ON, shareTopics: topics })
  for (const shareTopics of [[''], ['x'.repeat(65)], [...topics, 'more']]) {
    t.exception(() => writeHookConfig(folder, { ...ON, shareTopics }), /topic/)
  }
  t.alike(readHookConfig(folder).shareTopics, topics)
})
