import test from 'brittle'

import {
  firstChoice,
  nextChoice,
  type LaneChoice,
  type LaneEvent
} from '../../../src/peer/lane/lane-choice.ts'

function after(lowerKey: boolean, events: LaneEvent[]): LaneChoice {
  return events.reduce(
    (choice, event) => nextChoice(choice, event, lowerKey),
    firstChoice(lowerKey)
  )
}

test('lane choice - the lower key dials, the other waits', (t) => {
  t.is(firstChoice(true).phase, 'dial')
  t.is(firstChoice(false).phase, 'wait')
})

test('lane choice - every way through a round ends as it should', (t) => {
  const table: [boolean, LaneEvent[], string][] = [
    [true, ['dialled'], 'tcp'],
    [false, ['accepted'], 'tcp'],
    [true, ['dial-failed'], 'wait'],
    [false, ['their-failed'], 'dial'],
    [true, ['dial-failed', 'accepted'], 'tcp'],
    [false, ['their-failed', 'dialled'], 'tcp'],
    [true, ['dial-failed', 'their-failed'], 'link'],
    [false, ['their-failed', 'dial-failed'], 'link'],
    [true, ['their-failed', 'dial-failed'], 'link'],
    [true, ['their-failed', 'dialled'], 'tcp'],
    [true, ['dialled', 'broken'], 'dial'],
    [false, ['accepted', 'broken'], 'wait'],
    [true, ['dial-failed', 'their-failed', 'accepted'], 'tcp']
  ]
  for (const [lowerKey, events, phase] of table) {
    t.is(after(lowerKey, events).phase, phase, `${lowerKey} ${events.join(', ')}`)
  }
})

test('lane choice - word of an earlier round changes nothing', (t) => {
  const tcp = after(true, ['dialled'])
  t.is(nextChoice(tcp, 'their-failed', true), tcp)
  t.is(nextChoice(tcp, 'dial-failed', true), tcp)
  const udx = after(false, ['their-failed', 'dial-failed'])
  t.is(nextChoice(udx, 'their-failed', false), udx)
})

test('lane choice - a broken lane forgets who failed before', (t) => {
  const again = after(true, ['dial-failed', 'accepted', 'broken', 'dial-failed'])
  t.alike(again, { phase: 'wait', ownFailed: true, theirFailed: false })
})

test('lane choice - both sides of every interleaving end on the same carrier', (t) => {
  // Each side fails or succeeds at dialling; messages arrive in order. Four worlds.
  for (const lowerReaches of [true, false]) {
    for (const upperReaches of [true, false]) {
      let lower = firstChoice(true)
      let upper = firstChoice(false)
      if (lowerReaches) {
        lower = nextChoice(lower, 'dialled', true)
        upper = nextChoice(upper, 'accepted', false)
      } else {
        lower = nextChoice(lower, 'dial-failed', true)
        upper = nextChoice(upper, 'their-failed', false)
        if (upperReaches) {
          upper = nextChoice(upper, 'dialled', false)
          lower = nextChoice(lower, 'accepted', true)
        } else {
          upper = nextChoice(upper, 'dial-failed', false)
          lower = nextChoice(lower, 'their-failed', true)
        }
      }
      t.is(lower.phase, upper.phase)
      t.is(lower.phase, lowerReaches || upperReaches ? 'tcp' : 'link')
    }
  }
})
