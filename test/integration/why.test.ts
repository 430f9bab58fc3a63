// The shell that asks the swarm, between real processes: a failure is met and mended on one machine, which
// then leaves; another machine that fails alike is told what helped, and by whom. The tool is made up, so
// that no rule can know it.

import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'brittle'

import { Lab, REAL, type Json, type LabPeer } from '../helpers/swarm-lab.ts'
import { until } from '../helpers/until.ts'

/** A program of the lab that fails as tools do. */
function makeTool(lab: Lab): string {
  const folder = join(lab.folder, 'tools')
  mkdirSync(folder, { recursive: true })
  const path = join(folder, 'frobctl')
  const says = 'frobctl: session expired: no ticket for realm ATTIC'
  writeFileSync(path, `#!/bin/sh\necho '${says}' >&2\nexit 3\n`)
  chmodSync(path, 0o755)
  return path
}

async function fails(lab: Lab, peer: LabPeer, argv: readonly string[]): Promise<void> {
  const { status } = await lab.run(['watch', '--data-dir', peer.dataDir, '--', ...argv])
  if (status !== 3) throw new Error(`the tool ended with ${status}`)
}

async function why(lab: Lab, peer: LabPeer): Promise<Json> {
  const { stdout } = await lab.run(['why', '--json', '--data-dir', peer.dataDir])
  return JSON.parse(stdout.trimEnd().split('\n').at(-1) as string) as Json
}

const known = async (peer: LabPeer, text: string): Promise<number> => {
  return (await peer.client.query({ text, kind: 'fix' })).length
}

test(
  'why - a fix learnt on a peer that has left is proposed on another, with its author',
  REAL,
  async (t) => {
    const lab = Lab.open(t)
    const topic = lab.topic('shell')
    const tool = makeTool(lab)
    const flags = ['--bootstrap', await lab.bootstrap()]
    const peers = ['a', 'b', 'c'].map((name) => lab.join(name, topic, flags))
    const [a, b, c] = peers as [LabPeer, LabPeer, LabPeer]
    await Promise.all(
      peers.map((peer) =>
        until(() =>
          peer.client.knowledge().then(
            () => true,
            () => false
          )
        )
      )
    )

    await fails(lab, a, [tool, 'push', 'kettle'])
    const before = await why(lab, a)
    t.alike(
      before['proposals'].filter(({ sources }: Json) =>
        sources.some(({ kind }: Json) => kind === 'knowledge')
      ),
      []
    )

    const fix = `${tool} login && ${tool} push kettle`
    const own = await lab.json(['learn', '--fix', fix, '--data-dir', a.dataDir])
    t.is(own['scope'], 'local', 'nothing leaves the machine before it was allowed')
    await lab.run(['hook', 'enable', '--share', topic, '--data-dir', a.dataDir])
    const shared = await lab.json(['learn', '--fix', fix, '--data-dir', a.dataDir])
    t.is(shared['scope'], 'swarm')
    await until(async () => (await known(b, 'frobctl session expired')) > 0)
    await until(async () => (await known(c, 'frobctl session expired')) > 0)
    const author = await a.key()
    await a.client.stop()
    await a.command.ended

    await fails(lab, b, [tool, 'push', 'teapot'])
    const { proposals, cause } = await why(lab, b)
    const learnt = proposals.find(({ sources }: Json) =>
      sources.some(({ kind }: Json) => kind === 'knowledge')
    )
    t.is(
      learnt?.command,
      `${tool} login && ${tool} push teapot`,
      'with the names of the new failure'
    )
    t.is(learnt?.sources[0].author, author)
    t.ok(cause.includes('session expired'), cause)
  }
)
