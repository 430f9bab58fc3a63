import { execFileSync, spawnSync } from 'node:child_process'
import test from 'brittle'

import { CABLES, Net, type CableKind } from './namespaces.ts'

const names = () => execFileSync('ip', ['netns', 'list']).toString()

for (const kind of Object.keys(CABLES) as CableKind[]) {
  test(`namespaces - a bare cable, ${kind}, has these addresses, no others and no route`, (t) => {
    const net = Net.open(t)
    if (typeof net === 'string') return t.comment(`skipped: ${net}`)
    for (const [index, host] of net.bareCable(kind).entries()) {
      // The kernel gives fe80:: a moment after the cable is in.
      while (!/inet6? /.test(net.ip(host, ['-o', 'addr'])));
      const addresses = [...net.ip(host, ['-o', 'addr']).matchAll(/inet6? (\S+)/g)]
      const [first, ...others] = addresses.map(([, address]) => address as string)
      t.is(others.length, 0)
      const expected = CABLES[kind][index] ?? null
      if (expected === null) t.ok(first?.startsWith('fe80::'))
      else t.is(first, expected)
      t.is(net.ip(host, ['route', 'show', 'default']), '')
    }
  })
}

test('namespaces - hosts are gone with their net, and those of a killed process with the next', (t) => {
  const net = Net.open(t)
  if (typeof net === 'string') return t.comment(`skipped: ${net}`)
  const host = net.host()
  t.ok(names().includes(host.name))
  net.close()
  t.absent(names().includes(host.name))
  const { pid } = spawnSync(process.execPath, ['--version'])
  const left = `swarm-net-${pid}-0`
  execFileSync('ip', ['netns', 'add', left])
  t.is(Net.missing(), null)
  t.absent(names().includes(left))
})

test('namespaces - a pulled cable is a pulled cable at the other end too', (t) => {
  const net = Net.open(t)
  if (typeof net === 'string') return t.comment(`skipped: ${net}`)
  const [a, b] = net.bareCable('static IPv4')
  const carrier = () => /LOWER_UP/.test(net.ip(b, ['link', 'show', 'cable']))
  t.ok(carrier())
  net.plug(a, 'cable', false)
  t.absent(carrier())
  net.plug(a, 'cable', true)
  t.ok(carrier())
})
