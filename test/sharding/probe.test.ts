import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'brittle'

import { systemClock } from '../../src/base/clock.ts'
import { RATE_MIBPS_MIN } from '../../src/base/limits.ts'
import { createLog, silentLog } from '../../src/base/log.ts'
import { probe, type Measurement, type Meter } from '../../src/sharding/probe.ts'

class CountingMeter implements Meter {
  readonly kernels: string = 'scalar'
  readonly build: string
  disk = '1 /models'
  count = 0
  next: Measurement = {
    weightBytesPerSecond: 20_000 * 2 ** 20,
    int8OpsPerSecond: 4e11,
    threads: 2,
    diskBytesPerSecond: 3000 * 2 ** 20
  }

  constructor(build = 'a') {
    this.build = build
  }

  measure(): Promise<Measurement> {
    this.count++
    return Promise.resolve(this.next)
  }
}

function options(meter: Meter, cacheFile: string) {
  return {
    meter,
    threads: 2,
    cacheFile,
    memoryLimitBytes: 2 ** 31,
    fresh: false,
    onMeasured: () => {},
    clock: systemClock,
    log: silentLog
  }
}

test('probe - a profile has the rates in steps and the memory of the user', async (t) => {
  const meter = new CountingMeter()
  const profile = await probe(options(meter, join(await t.tmp(), 'new', 'probe.json')))
  t.is(profile.weightMiBps, 19_488)
  t.is(profile.int8Mops, 370_688)
  t.is(profile.memoryKiB, 2 ** 21)
  t.is(profile.kernels, 'scalar')
  t.ok(profile.cores >= 1)
})

test('probe - without a limit it claims some memory of this machine', async (t) => {
  const cacheFile = join(await t.tmp(), 'probe.json')
  const profile = await probe({
    ...options(new CountingMeter(), cacheFile),
    memoryLimitBytes: null
  })
  t.ok(profile.memoryKiB > 0)
})

test('probe - a machine is measured once', async (t) => {
  const meter = new CountingMeter()
  const cacheFile = join(await t.tmp(), 'probe.json')
  const first = await probe(options(meter, cacheFile))
  meter.next = { ...meter.next, weightBytesPerSecond: 1 }
  t.alike(await probe(options(meter, cacheFile)), first)
  t.is(meter.count, 1)
})

test('probe - a machine slower than plans count with is told as that slow', async (t) => {
  const meter = new CountingMeter()
  const cacheFile = join(await t.tmp(), 'probe.json')
  meter.next = { ...meter.next, weightBytesPerSecond: 3 * 2 ** 20 }
  t.is((await probe(options(meter, cacheFile))).weightMiBps, RATE_MIBPS_MIN)
  t.is((await probe(options(meter, cacheFile))).weightMiBps, RATE_MIBPS_MIN)
  t.is(meter.count, 1)
})

test('probe - another build or another number of threads is measured again', async (t) => {
  const cacheFile = join(await t.tmp(), 'probe.json')
  await probe(options(new CountingMeter('a'), cacheFile))
  const meter = new CountingMeter('b')
  await probe(options(meter, cacheFile))
  t.is(meter.count, 1)
  await probe({ ...options(meter, cacheFile), threads: 1 })
  t.is(meter.count, 2)
})

test('probe - fresh measurements are averaged, and keep rates that are hardly different', async (t) => {
  const meter = new CountingMeter()
  const cacheFile = join(await t.tmp(), 'probe.json')
  const fresh = { ...options(meter, cacheFile), fresh: true }
  const first = await probe(fresh)
  // 21,900 is nearer to the next step, 23,168, but only 0.68 of a step above the published one.
  meter.next = { ...meter.next, weightBytesPerSecond: 21_900 * 2 ** 20 }
  t.is((await probe(fresh)).weightMiBps, first.weightMiBps)
  meter.next = { ...meter.next, weightBytesPerSecond: 27_000 * 2 ** 20 }
  // The average of 20,000, 21,900 and 27,000 is 22,966.
  t.is((await probe(fresh)).weightMiBps, 23_168)
  t.is(meter.count, 3)
})

test('probe - a damaged cache is measured again and repaired', async (t) => {
  const cacheFile = join(await t.tmp(), 'probe.json')
  const meter = new CountingMeter()
  await probe(options(meter, cacheFile))
  const good = readFileSync(cacheFile, 'utf8')
  const damages = [
    '',
    '{',
    'null',
    '[]',
    good.replace(/"weightMiBps":\d+/, '"weightMiBps":-5'),
    good.replace(/"int8Mops":\d+/, '"int8Mops":"many"'),
    good.replace(/"samples":1/, '"samples":0'),
    good.replace(/"diskMiBps":\d+/, '"diskMiBps":0'),
    good.replace(/"disk":\{[^}]*\}/, '"disk":null')
  ]
  for (const [index, damaged] of damages.entries()) {
    writeFileSync(cacheFile, damaged)
    await probe(options(meter, cacheFile))
    t.is(meter.count, index + 2, damaged.slice(0, 20))
    t.is(readFileSync(cacheFile, 'utf8'), good)
  }
})

test('probe - a cache that cannot be written is a warning', async (t) => {
  const file = join(await t.tmp(), 'file')
  writeFileSync(file, '')
  const lines: string[] = []
  const log = createLog('probe', 'warn', ({ text }) => lines.push(text))
  const profile = await probe({ ...options(new CountingMeter(), join(file, 'probe.json')), log })
  t.is(profile.weightMiBps, 19_488)
  t.is(lines.length, 1)
})

test('probe - a disk is measured with the rest, and again when the model is elsewhere', async (t) => {
  const cacheFile = join(await t.tmp(), 'probe.json')
  const meter = new CountingMeter()
  t.is((await probe(options(meter, cacheFile))).diskMiBps, 2896)
  meter.disk = '2 /mnt'
  meter.next = { ...meter.next, diskBytesPerSecond: 500 * 2 ** 20 }
  t.is((await probe(options(meter, cacheFile))).diskMiBps, 512)
  t.is(meter.count, 2)
})

test('probe - a disk that cannot be measured is not known, and that is remembered', async (t) => {
  const cacheFile = join(await t.tmp(), 'probe.json')
  const meter = new CountingMeter()
  meter.next = { ...meter.next, diskBytesPerSecond: null }
  t.is((await probe(options(meter, cacheFile))).diskMiBps, 0)
  t.is((await probe(options(meter, cacheFile))).diskMiBps, 0)
  t.is(meter.count, 1)
})

test('probe - it is told when a machine was measured, and not when it was known', async (t) => {
  const cacheFile = join(await t.tmp(), 'probe.json')
  const times: number[] = []
  const telling = {
    ...options(new CountingMeter(), cacheFile),
    onMeasured: (ms: number) => times.push(ms)
  }
  await probe(telling)
  await probe(telling)
  t.is(times.length, 1)
  t.ok((times[0] as number) >= 0)
})
