// Two network namespaces joined by a virtual cable: link-local addresses, no default route, no router,
// no loopback. What two machines with an Ethernet cable between them have.

import { execFileSync } from 'node:child_process'
import type { Test } from 'brittle'

/** What is put before a command so that it runs in one of the two. */
export type Inside = string[]

/** @returns both ends, removed after the test; or why this machine does not allow it. */
export function bareCable(t: Test): [Inside, Inside] | string {
  const names = ['a', 'b'].map((end) => `swarm-${process.pid}-${end}`) as [string, string]
  const remove = (): void => {
    for (const name of names) quietly(['netns', 'del', name])
  }
  try {
    for (const name of names) ip(['netns', 'add', name])
    // Deleting a namespace takes its end of the cable with it. Processes inside end before: order 0.
    t.teardown(remove, { force: true, order: 1 })
    process.once('exit', remove)
    const [a, b] = names
    ip(['link', 'add', 'cable', 'netns', a, 'type', 'veth', 'peer', 'name', 'cable', 'netns', b])
    for (const [index, name] of names.entries()) {
      ip(['-n', name, 'addr', 'add', `169.254.77.${index + 1}/16`, 'dev', 'cable'])
      ip(['-n', name, 'link', 'set', 'cable', 'up'])
    }
    return [inside(a), inside(b)]
  } catch (error) {
    remove()
    return `network namespaces are not permitted here: ${(error as Error).message.split('\n').at(-1)}`
  }
}

function inside(name: string): Inside {
  return ['ip', 'netns', 'exec', name]
}

function ip(argv: string[]): void {
  execFileSync('ip', argv, { stdio: 'pipe' })
}

function quietly(argv: string[]): void {
  try {
    ip(argv)
  } catch {
    // It was never made, or is gone already.
  }
}
