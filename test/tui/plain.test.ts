// What `swarm top` prints without a screen.

import test from 'brittle'

import { topLines } from '../../src/tui/plain.ts'
import { beforeFirstAnswer, justStarted, threePeers, troubled } from '../helpers/top-states.ts'

import type { TopPeer } from '../../src/wire/top.ts'

process.env['TZ'] = 'UTC'

test('plain - every fact of the dashboard is a line', (t) => {
  t.alike(topLines(threePeers(), 80), [
    'swarm home · 3 peers · 17.2 tok/s · THRPT 79.1 GB/s · up 2:11:05 · llama-8b-Q4_K_M',
    '  peer       layers      memory      tok/s      THRPT       VoC  rtt ms state',
    '  atlas*       0-11   1.7G/8.0G       61.4       30.1      0.41       - ok',
    '  boron       12-23   1.7G/8.0G       58.8       30.1      0.33    0.21 ok',
    '  cesium      24-31   1.1G/8.0G       49.0  20.4 est. 0.19 est.    0.94 ok',
    '── LAYERS, ready ───────────────────────────────────────────────────────────────',
    ' 0 [aaaaaaaaaaaa|bbbbbbbbbbbb|cccccccc] 31',
    ' missing: none   standby: none   a atlas 0-11   b boron 12-23   c cesium 24-31',
    ' atlas*',
    ' ├─ tcp 0.21 ms   ─ boron',
    ' └─ udx 0.94 ms   ─ cesium',
    ' ring atlas > boron > cesium > atlas',
    '── PIPELINE, ms per token, 143 tokens of 02:10:45 ──────────────────────────────',
    ' peer          layers  compute  predicted              wire  predicted  queue',
    ' atlas           0-11     16.4  16.2 est. ########..   0.80  0.80 est.   0.10',
    ' boron          12-23     17.1  17.0 est. ########..   3.90  0.80 est.   0.30',
    ' cesium         24-31     20.9  20.4 est. ##########   3.70  0.80 est.   0.10',
    '',
    ' total 63.3 ms: compute 54.4 (86 %), wire 8.40 (13 %), queue 0.50 (1 %)',
    ' 17.0 tok/s, predicted 17.8 est.; prompt of 812 tokens in 0.41 s',
    ' longest: cesium compute, 20.9 ms',
    '',
    ' tokens/s of the last 10 s, highest 18.0',
    ' ▁▁▂▆███▇██',
    '── EVENTS, 1 asked here, 1 computed here ───────────────────────────────────────',
    ' 02:10:05  peer     boron (21d9ff4b) is here, version 0.1.0',
    ' 02:10:06  lane     activations to 21d9ff4b go over tcp',
    ' 02:10:35  plan     layers: atlas 0-11, boron 12-23, cesium 24-31',
    ' 02:11:00 !refused  a stranger was refused'
  ])
})

test('plain - texts of others are made harmless, whatever the state', (t) => {
  for (const state of [troubled(), justStarted(), beforeFirstAnswer()]) {
    for (const line of topLines(state, 100)) t.absent(/[\p{Cc}\p{Cf}]/u.test(line), line)
  }
})

test('plain - of several stages of a peer the first is shown, and how many more', (t) => {
  const state = threePeers()
  const [atlas, ...others] = state.peers as [TopPeer, ...TopPeer[]]
  const planned = [10, 14, 20].map((start) => ({ start, end: start + 3 }))
  const lines = topLines({ ...state, peers: [{ ...atlas, planned }, ...others] }, 120)
  t.ok(lines.some((line) => / {2}atlas\* .* 10-12\+2 .* ok/.test(line)))
})

test('plain - who stands by for which layers, and a layer is there only where its peer holds it', (t) => {
  const state = threePeers()
  const [atlas, boron, cesium] = state.peers as [TopPeer, TopPeer, TopPeer]
  const own = { start: 0, end: 12 }
  const others = { start: 24, end: 32 }
  const peers = [
    { ...atlas, held: [own, others], standby: [others] },
    { ...boron, held: [{ start: 12, end: 16 }, others], standby: [others] },
    { ...cesium, planned: [], standby: cesium.held }
  ]
  const lines = topLines({ ...state, peers }, 120)
  t.ok(lines.some((line) => line.startsWith(' 0 [aaaaaaaaaaaa|bbbb........|cccccccc] 31')))
  const standby = 'missing: 12-23   standby: atlas 24-31, boron 24-31, cesium 24-31   a atlas 0-11'
  t.ok(
    lines.some((line) => line.includes(standby)),
    standby
  )
  const stateOf = (name: string) => lines.find((line) => line.startsWith(`  ${name}`))?.trim()
  t.ok(/ 0-11 .* ok/.test(stateOf('atlas*') ?? ''))
  t.ok(/ 24-31 .* standby/.test(stateOf('cesium') ?? ''))
})
