// `swarm explain`: the table, the sum of its parts, the sentence about what cost most; from a running peer
// and from the file of one that has gone.

import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'brittle'

import { costliestSentence } from '../../src/cli/costliest.ts'
import { chosenReports } from '../../src/cli/command/explain.ts'
import { explainLines, sumOfParts } from '../../src/cli/explain-view.ts'
import { summaryOf } from '../../src/cli/generation-view.ts'
import { formatReport, parseReport } from '../../src/wire/session-report.ts'
import { resultOf } from '../helpers/scripted-service.ts'
import { lastLine, openShell, SLOW } from '../helpers/swarm-command.ts'
import { threePeers } from '../helpers/top-states.ts'

import type { HopReport, SessionReport } from '../../src/wire/session-report.ts'

const report = threePeers().generation as SessionReport

/** The same with one hop changed. */
function withHop(index: number, changes: Partial<HopReport>): SessionReport {
  const hops = report.hops.map((hop, at) => (at === index ? { ...hop, ...changes } : hop))
  return { ...report, hops }
}

test('explain - every part stands beside what was predicted, and the sum beside the clock', (t) => {
  const lines = explainLines(report, 100)
  t.ok(
    /^session 3f2a9c1b, 2026-\d\d-\d\d \d\d:\d\d, llama-8b-Q4_K_M: 143 tokens /.test(lines[0] ?? '')
  )
  t.is(
    lines[1],
    'tok/s 17.0, predicted 17.8 (+5 %); ms to the first token 410.0, predicted 390.0 (-5 %)'
  )
  t.alike(lines.slice(2, 8), [
    'ms per token, each part beside what the plan said of it:',
    'peer      key       layers  compute  plan  wire  plan  queue  plan',
    'atlas     ede8c730    0-11     16.4  16.2  0.80  0.80   0.10  0.00',
    'boron     21d9ff4b   12-23     17.1  17.0  3.90  0.80   0.30  0.00',
    'cesium    10d33d5c   24-31     20.9  20.4  3.70  0.80   0.10  0.00',
    'together                       54.4  53.6  8.40  2.40   0.50  0.00'
  ])
  t.is(lines[8], 'parts 63.3 ms of 58.9 ms from token to token (107.5 %)')
  t.ok(lines[9]?.includes('follows their measured round trips'))
})

test('explain - what nobody predicted or told is not made up', (t) => {
  const unpredicted = withHop(1, { predicted: null })
  const lines = explainLines({ ...unpredicted, predictedTokensPerSecond: null }, 100)
  t.ok(lines[1]?.startsWith('tok/s 17.0; ms to the first token 410.0, predicted'), lines[1])
  t.ok(/^boron .* 17\.1 +- +3\.90 +- +0\.30 +-$/.test(lines[5] ?? ''), lines[5])
  t.ok(/^together +54\.4 +- +8\.40 +- +0\.50 +-$/.test(lines[7] ?? ''), lines[7])
  t.alike(explainLines({ ...report, hops: [] }, 100).slice(2), ['no parts: a stage did not tell'])
  const one = { ...report, nTokens: 1, hops: [] }
  t.alike(explainLines(one, 100).slice(1), [
    'ms to the first token 410.0, predicted 390.0 (-5 %)',
    'no parts: one token has no time between tokens'
  ])
  t.is(sumOfParts(one), null)
})

test('explain - names of other machines cannot write on the terminal', (t) => {
  const text = explainLines(withHop(2, { name: 'ce\u001b[31msium\n' }), 100).join('\n')
  t.absent(text.includes('\u001b'))
})

test('explain - a stage that does what its profile says would need fewer bytes', (t) => {
  const [token, hop] = [63.3, report.hops[2] as HopReport]
  const rate = (1000 / (token - hop.computeMs / 2)).toFixed(1)
  t.is(
    costliestSentence(report),
    'most of it, 33 % of a token, is computing at cesium (layers 24-31), which reads 57.4 GB/s of ' +
      'weights; with half the bytes there (another machine to share them, smaller weights) it would ' +
      `be ${rate} tok/s`
  )
})

test('explain - a stage that is slower than its profile has other work to do', (t) => {
  const sentence = costliestSentence(withHop(0, { computeMs: 48.6 })) ?? ''
  t.ok(
    sentence.includes('computing at atlas (layers 0-11), 3.0 times what its profile says'),
    sentence
  )
})

test('explain - a stage that reads from disk is told of its disk, whatever its profile says', (t) => {
  const parts = { computeMs: 400, wireMs: 0.8, queueMs: 0 }
  const onDisk = withHop(0, { computeMs: 900, predicted: { ...parts, layersOnDisk: 9 } })
  const sentence = costliestSentence(onDisk) ?? ''
  t.ok(
    sentence.includes(
      'at atlas (layers 0-11), which reads 9 of them, whole or in part, from disk for each'
    ),
    sentence
  )
  const line = formatReport(onDisk)
  t.is(parseReport(line)?.hops[0]?.predicted?.layersOnDisk, 9)
  t.is(parseReport(line.replace('"layersOnDisk":9', '"layersOnDisk":"9"')), null)
})

test('explain - a long way is named by its two ends, the last one leading to the first', (t) => {
  const there = costliestSentence(withHop(0, { wireMs: 80 })) ?? ''
  t.ok(there.includes('is the way from atlas to boron, 80.00 ms; half of that'), there)
  const back = costliestSentence(withHop(2, { wireMs: 80 })) ?? ''
  t.ok(back.includes('is the way from cesium to atlas'), back)
})

test('explain - waiting is told as what it is', (t) => {
  const predicted = { computeMs: 17, wireMs: 0.8, queueMs: 90 }
  const shared = costliestSentence(withHop(1, { queueMs: 100, predicted })) ?? ''
  t.ok(shared.includes('is waiting at boron (layers 12-23) behind other sessions'), shared)
  const alone = costliestSentence(withHop(1, { queueMs: 100 })) ?? ''
  t.ok(alone.includes('is waiting at boron (layers 12-23) for a free processor'), alone)
  t.is(costliestSentence({ ...report, hops: [] }), null)
})

test('explain - chooses the last three, the last N, or a session', (t) => {
  const reports = Array.from({ length: 5 }, (_, index) => ({
    ...report,
    session: `${index}${'ab'.repeat(15)}c`
  }))
  t.is(chosenReports(reports, undefined).length, 3)
  t.alike(chosenReports(reports, '2'), reports.slice(3))
  t.alike(chosenReports(reports, '64'), reports)
  t.alike(chosenReports(reports, '3aba'), [reports[3]])
  for (const wrong of ['0', '65', 'ffff', 'zz', '1.5', '']) {
    t.exception(() => chosenReports(reports, wrong), /is no session of the last 5 answers/, wrong)
  }
})

test('explain - asks the running peer; --json has the reports as they are', SLOW, async (t) => {
  const shell = await openShell(t)
  await shell.peer()
  const { status, stdout } = await shell.run(['explain'])
  t.is(status, 0)
  t.ok(stdout.startsWith('session 3f2a9c1b, '), stdout)
  t.alike(lastLine((await shell.run(['explain', '1', '--json'])).stdout)['sessions'], [report])
})

test('explain - without a peer it reads the file, past damaged lines', SLOW, async (t) => {
  const shell = await openShell(t)
  const nothing = await shell.run(['explain'])
  t.is(nothing.status, 0)
  t.ok(nothing.stderr.startsWith('nothing was asked here yet'), nothing.stderr)
  const dataDir = join(shell.folder, '.local/share/swarm')
  mkdirSync(dataDir, { recursive: true })
  writeFileSync(join(dataDir, 'session-history.jsonl'), `{"half\n${formatReport(report)}\n`)
  const { stdout, stderr } = await shell.run(['explain', '3f2a9c1b'])
  t.ok(stdout.startsWith('session 3f2a9c1b, '), stdout)
  t.ok(stderr.startsWith('1 line is damaged in '), stderr)
})

test('explain - the closing line of an answer has both figures where there was a plan', (t) => {
  const request = { prompt: 'abc', sampling: {}, stop: [], kvType: 'f16' } as const
  const result = resultOf({ ...request, stop: [] }, 'text', [1, 2], 42)
  t.is(
    summaryOf(result),
    '2 tokens, 20.0 tok/s, prompt 3 tokens in 0.01 s, 2 stages, seed 42, complete'
  )
  const predicted = { tokensPerSecond: 21.04, firstTokenMs: 30, perHop: [] }
  t.is(
    summaryOf({ ...result, timing: { ...result.timing, predicted } }),
    '2 tokens, 20.0 tok/s (predicted 21.0), prompt 3 tokens in 0.01 s (predicted 0.03), 2 stages, ' +
      'seed 42, complete'
  )
})
