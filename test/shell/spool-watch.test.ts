import {
  appendFileSync,
  existsSync,
  readFileSync,
  readdirSync,
  rmSync,
  writeFileSync
} from 'node:fs'
import { join } from 'node:path'
import test, { type Test } from 'brittle'
import { createLog } from '../../src/base/log.ts'
import { NOTICE_CHARS_MAX } from '../../src/base/shell-limits.ts'
import type { Failure } from '../../src/shell/failure.ts'
import { HookSetup } from '../../src/shell/hook-setup.ts'
import { dropNotices, writeNotice } from '../../src/shell/notice.ts'
import { SpoolWatch } from '../../src/shell/spool-watch.ts'
import type { SpoolRecord } from '../../src/shell/spool-record.ts'
import { FakeClock } from '../helpers/fake-clock.ts'
import { spoolBytes, spoolRecord } from '../helpers/spool-records.ts'
import { until } from '../helpers/until.ts'

const SHELL = process.pid

async function openWatch(
  t: Test,
  notice = true,
  answer?: (failure: Failure) => Promise<string | null>
) {
  const dataDir = await t.tmp()
  const setup = new HookSetup(dataDir, join(dataDir, 'hook'))
  setup.enable([], notice)
  const asked: string[] = []
  const warned: string[] = []
  const clock = new FakeClock()
  const watch = new SpoolWatch({
    setup,
    isHarmless: (command) => !command.includes('secret'),
    answer:
      answer ??
      (async ({ command }) => {
        asked.push(command)
        return command === 'unknown' ? null : `${command}: try this`
      }),
    clock,
    log: createLog('test', 'warn', ({ text }) => warned.push(text))
  })
  t.teardown(() => watch.close())
  const note = (...records: SpoolRecord[]) =>
    appendFileSync(join(setup.spool.folder, 'spool'), spoolBytes(...records))
  const notice1 = join(setup.spool.folder, `notice.${SHELL}`)
  return { setup, watch, note, asked, warned, clock, notice: notice1 }
}

const failed = (command: string, shellPid = SHELL) => spoolRecord({ command, shellPid })
const done = (command: string) => spoolRecord({ command, shellPid: SHELL, status: 0 })

test('spool watch - a failure is answered in a notice, what was there before is not', async (t) => {
  const { watch, note, asked, notice } = await openWatch(t)
  note(failed('old'))
  await watch.look()
  note(failed('make'))
  await watch.look()
  await watch.look()
  t.alike(asked, ['make'])
  t.is(readFileSync(notice, 'utf8'), 'swarm: make: try this\n')
})

test('spool watch - only the last command of a shell counts, and only a failure', async (t) => {
  const { watch, note, asked, notice } = await openWatch(t)
  await watch.look()
  note(failed('first'), failed('second'), failed('elsewhere', 2 ** 30))
  await watch.look()
  t.alike(asked, ['second', 'elsewhere'])
  note(failed('third'), done('fine'), spoolRecord({ kind: 'asked', status: 0 }))
  note(failed('swarm why'))
  await watch.look()
  t.is(asked.length, 2)
  rmSync(notice)
  note(failed('unknown'))
  await watch.look()
  t.absent(existsSync(notice), 'no answer, no notice')
})

test('spool watch - without the consent to notices nobody is asked', async (t) => {
  const { watch, note, asked } = await openWatch(t, false)
  await watch.look()
  note(failed('make'))
  await watch.look()
  t.alike(asked, [])
})

test('spool watch - takes what succeeded into the suggestions, but no secrets', async (t) => {
  const { watch, note, setup } = await openWatch(t)
  note(done('ls'), done('use secret'), failed('make'))
  await watch.look()
  t.alike(setup.index.read(), ['ls'])
})

test('spool watch - a spool that was put aside is followed', async (t) => {
  const { watch, note, setup, asked } = await openWatch(t)
  note(failed('a'))
  await watch.look()
  const file = join(setup.spool.folder, 'spool')
  writeFileSync(`${file}.old`, readFileSync(file))
  writeFileSync(file, '')
  note(failed('b'))
  await watch.look()
  t.alike(asked, ['b'])
})

test('spool watch - disabled, it does nothing; what fails is said and does not end it', async (t) => {
  const { watch, note, setup, asked, warned } = await openWatch(t)
  await watch.look()
  setup.disable()
  await watch.look()
  t.alike(setup.index.read(), [])
  t.alike([asked, warned], [[], []])
  setup.enable([], true)
  note(failed('make'))
  writeFileSync(join(setup.spool.folder, '..', 'hook.json'), '{')
  await watch.look()
  t.ok(warned[0]?.includes('hook.json'), warned[0])
})

test('spool watch - looks once a second until it is closed', async (t) => {
  const { watch, note, clock, setup } = await openWatch(t)
  watch.open()
  watch.open()
  note(done('one'))
  clock.advance(999)
  t.alike(setup.index.read(), [])
  clock.advance(1)
  await until(() => setup.index.read().length === 1)
  watch.close()
  watch.close()
  note(done('two'))
  clock.advance(10_000)
  t.alike(setup.index.read(), ['one'])
})

test('notice - foreign text is one plain bounded line', async (t) => {
  const folder = await t.tmp()
  writeNotice(folder, SHELL, `a\u001b[31m\nb\u202e${'x'.repeat(1000)}`)
  const text = readFileSync(join(folder, `notice.${SHELL}`), 'utf8')
  t.ok(text.startsWith('swarm: a [31m b x') && text.endsWith('\n'))
  t.is(text.length, NOTICE_CHARS_MAX + 1)
})

test('notice - of a shell that is gone there is none', async (t) => {
  const folder = await t.tmp()
  writeNotice(folder, 2 ** 30, 'x')
  t.alike(readdirSync(folder), [])
  writeNotice(folder, SHELL, 'x')
  for (const name of [`notice.${2 ** 30}`, 'notice.x', 'notice.-1'])
    writeFileSync(join(folder, name), '')
  dropNotices(folder)
  t.alike(readdirSync(folder), [`notice.${SHELL}`])
})
