import test from 'brittle'

import { claimMemoryKiB, freeMemoryBytes } from '../../src/sharding/memory.ts'

const GIB = 2 ** 30

function reader(files: Record<string, string>) {
  return (path: string) => files[path] ?? null
}

test('memory - without control groups it is what the system has', (t) => {
  t.is(freeMemoryBytes(8 * GIB, reader({})), 8 * GIB)
})

test('memory - the limit of a version 2 group counts, its cached files are free', (t) => {
  const files = {
    '/proc/self/cgroup': '0::/user.slice/swarm.service\n',
    '/sys/fs/cgroup/user.slice/swarm.service/memory.max': `${4 * GIB}\n`,
    '/sys/fs/cgroup/user.slice/swarm.service/memory.current': `${3 * GIB}\n`,
    '/sys/fs/cgroup/user.slice/swarm.service/memory.stat': `anon 1\ninactive_file ${GIB}\n`
  }
  t.is(freeMemoryBytes(8 * GIB, reader(files)), 2 * GIB)
})

test('memory - the tightest of nested groups counts', (t) => {
  const files = {
    '/proc/self/cgroup': '0::/a/b\n',
    '/sys/fs/cgroup/a/b/memory.max': 'max\n',
    '/sys/fs/cgroup/a/b/memory.current': `${GIB}\n`,
    '/sys/fs/cgroup/a/memory.max': `${3 * GIB}\n`,
    '/sys/fs/cgroup/a/memory.current': `${2 * GIB}\n`,
    '/sys/fs/cgroup/memory.max': `${7 * GIB}\n`,
    '/sys/fs/cgroup/memory.current': `${5 * GIB}\n`
  }
  t.is(freeMemoryBytes(8 * GIB, reader(files)), GIB)
})

test('memory - a version 1 group is found at its root where its own path is not mounted', (t) => {
  const files = {
    '/proc/self/cgroup': '5:cpu,cpuacct:/box/1\n4:memory:/box/1\n',
    '/sys/fs/cgroup/memory/memory.limit_in_bytes': `${2 * GIB}\n`,
    '/sys/fs/cgroup/memory/memory.usage_in_bytes': `${GIB / 2}\n`
  }
  t.is(freeMemoryBytes(8 * GIB, reader(files)), 1.5 * GIB)
})

test('memory - a group above its limit has nothing free', (t) => {
  const files = {
    '/proc/self/cgroup': '0::/\n',
    '/sys/fs/cgroup/memory.max': '1000\n',
    '/sys/fs/cgroup/memory.current': '2000\n'
  }
  t.is(freeMemoryBytes(8 * GIB, reader(files)), 0)
})

test('memory - four fifths of what is free are claimed, or exactly what the user says', (t) => {
  t.is(claimMemoryKiB(null, 10 * GIB), 8 * 2 ** 20)
  t.is(claimMemoryKiB(3 * GIB + 1, GIB), 3 * 2 ** 20)
})
