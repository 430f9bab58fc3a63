import test from 'brittle'

import { replay, type Learnt } from '../../src/shell/analogy.ts'

function learnt(command: string, output: string, fix: string): Learnt {
  return { command, status: 1, output, fix }
}

const replayed = (one: Learnt, command: string, output = one.output): string | null =>
  replay(one, { command, status: 1, output })?.command ?? null

test('analogy - the same failure has the same fix', (t) => {
  const one = learnt('make lint', 'no rule', 'npm run lint')
  t.is(replayed(one, 'make lint'), 'npm run lint')
})

test('analogy - a flag goes to the same place of another command', (t) => {
  const one = learnt('svn up docs', 'is locked', 'svn up --force docs')
  t.is(replayed(one, 'svn up src/lib'), 'svn up --force src/lib')
})

test('analogy - names are those of the new command, never of the learnt one', (t) => {
  const one = learnt('tool open alpha', 'no folder alpha', 'mkdir alpha && tool open alpha')
  t.is(replayed(one, 'tool open beta', 'no folder beta'), 'mkdir beta && tool open beta')
  const ending = learnt('runx job', '', 'runx job.yml')
  t.is(replayed(ending, 'runx nightly'), 'runx nightly.yml')
  const host = learnt('probe http://a.org', 'bad host', 'probe a.org')
  t.is(replayed(host, 'probe http://zeta.net'), 'probe zeta.net')
})

test('analogy - a name that the output gave is taken from the new output', (t) => {
  const one = learnt('box ssh', 'machine web7 is off\nstart web7 first', 'box up web7 && box ssh')
  t.is(replayed(one, 'box ssh', 'machine db3 is off\nstart db3 first'), 'box up db3 && box ssh')
  t.is(replayed(one, 'box ssh -v', 'a machine is off'), null)
})

test('analogy - a slip is mended with what the new output says was meant', (t) => {
  const one = learnt('tool ruun', "unknown 'ruun'\nDid you mean this?\n\trun\n", 'tool run')
  t.is(
    replayed(one, 'tool stpo -x', "unknown 'stpo'\nDid you mean this?\n\tstop\n"),
    'tool stop -x'
  )
})

test('analogy - another tool is served only with the same error, and counts less', (t) => {
  const one = learnt('aaa start', 'must be superuser', 'sudo aaa start')
  const same = replay(one, { command: 'aaa stop', status: 1, output: 'must be superuser' })
  const other = replay(one, { command: 'bbb stop', status: 1, output: 'must be superuser' })
  t.is(other?.command, 'sudo bbb stop')
  t.ok((same?.strength ?? 0) > (other?.strength ?? 1))
  t.is(replayed(one, 'bbb stop', 'disk is full'), null)
})

test('analogy - a word that comes from nowhere counts less', (t) => {
  const flag = replay(learnt('pkg x', 'e', 'pkg --all x'), {
    command: 'pkg y',
    status: 1,
    output: 'e'
  })
  const name = replay(learnt('pkg x', 'e', 'pkg extra x'), {
    command: 'pkg y',
    status: 1,
    output: 'e'
  })
  t.ok((flag?.strength ?? 0) > (name?.strength ?? 1))
})

test('analogy - a redacted secret is put back as it stands in the new command', (t) => {
  const one = learnt('tool --token [redacted] psuh', 'x', 'tool --token [redacted] push')
  const command = replayed(one, 'tool --token s3cr3t psuh')
  t.is(command, 'tool --token s3cr3t push')
})

test('analogy - hostile sizes take bounded time', (t) => {
  const long = 'a '.repeat(50_000)
  const start = process.cpuUsage().user
  replay(learnt(`x ${long}`, long, `y ${long}`), { command: `x ${long}b`, status: 1, output: long })
  t.ok(process.cpuUsage().user - start < 2e6)
})
