import test from 'brittle'

import { seededRandom } from '../../../src/base/random.ts'
import { Handover } from '../../../src/peer/lane/handover.ts'

import type { HandoverStep } from '../../../src/peer/lane/handover.ts'
import type { Random } from '../../../src/base/random.ts'

type Message = { frame: number } | { end: number } | { after: number }

/** One direction of one way: in order, as late as it likes; not read while held. */
class Pipe {
  readonly queue: Message[] = []
  held = false
}

class Way {
  readonly toUpper = new Pipe()
  readonly toLower = new Pipe()
  closed = false
}

/** A side as lane-slot.ts acts for it, with frames that are numbers. */
class Side {
  readonly handover: Handover<Way>
  readonly received: number[] = []
  readonly name: 'lower' | 'upper'
  used: Way
  sent = 0

  constructor(name: 'lower' | 'upper', used: Way) {
    this.name = name
    this.used = used
    this.handover = new Handover<Way>(name === 'lower')
  }

  out(way: Way): Pipe {
    return this.name === 'lower' ? way.toUpper : way.toLower
  }

  in(way: Way): Pipe {
    return this.name === 'lower' ? way.toLower : way.toUpper
  }

  send(): void {
    if (this.used.closed) throw new Error('sent on a closed way')
    this.out(this.used).queue.push({ frame: this.sent++ })
  }

  moveTo(way: Way): void {
    const from = this.used
    const move = this.handover.nextMove
    this.out(from).queue.push({ end: move })
    this.out(way).queue.push({ after: move })
    this.in(way).held = true
    this.used = way
    this.act(this.handover.begin(from, way, move))
  }

  receive(way: Way): boolean {
    const pipe = this.in(way)
    if (pipe.held) return false
    const message = pipe.queue.shift()
    if (message === undefined) return false
    if ('end' in message) this.act(this.handover.end(way, message.end))
    else if ('after' in message) {
      pipe.held = true
      this.act(this.handover.begin(this.used, way, message.after))
    } else this.received.push(message.frame)
    return true
  }

  act(step: HandoverStep<Way>): void {
    if (step.type === 'wait') return
    if (step.type === 'switch') {
      this.out(step.from).queue.push({ end: step.move })
      this.used = step.to
    } else {
      step.from.closed = true
      const { toLower, toUpper } = step.from
      if (toLower.queue.length > 0 || toUpper.queue.length > 0) throw new Error('closed too early')
    }
    this.in(step.to).held = false
  }
}

function below(random: Random, count: number): number {
  return (random.bytes(1)[0] as number) % count
}

test('handover - in 500 random orders of events no frame is lost, doubled or overtaken', (t) => {
  const random = seededRandom(11)
  for (let run = 0; run < 500; run++) {
    const ways = [new Way()]
    const sides = [new Side('lower', ways[0]!), new Side('upper', ways[0]!)] as const
    const [lower, upper] = sides
    for (let step = 0; step < 400 || ways.some(isBusy); step++) {
      const side = sides[below(random, 2)] as Side
      const way = ways[below(random, ways.length)] as Way
      const draw = below(random, 12)
      if (draw === 0 && step < 400 && !lower.handover.isOpen && !upper.handover.isOpen) {
        const next = new Way()
        ways.push(next)
        lower.moveTo(next)
      } else if (draw < 4 && step < 400) side.send()
      else side.receive(way)
    }
    t.alike(upper.received, numbers(lower.sent))
    t.alike(lower.received, numbers(upper.sent))
    t.is(lower.used, upper.used)
    t.is(lower.used, ways.at(-1))
    t.alike(ways.map(({ closed }) => closed).filter((closed) => !closed).length, 1)
  }
})

test('handover - the end of a move that came to nothing does not end the next one', (t) => {
  const [link, first, second] = [new Way(), new Way(), new Way()]
  const handover = new Handover<Way>(false)
  t.is(handover.begin(link, first, 1).type, 'wait')
  handover.reset()
  // Slower than the loss of the lane it belongs to.
  t.is(handover.end(link, 1).type, 'wait')
  t.is(handover.begin(link, second, 2).type, 'wait')
  t.ok(handover.involves(link) && handover.involves(second) && !handover.involves(first))
  t.is(handover.end(first, 2).type, 'wait', 'the end of another way')
  t.is(handover.end(link, 2).type, 'switch')
  t.absent(handover.isOpen)
})

test('handover - one that is not finished counts its time, from its own beginning', (t) => {
  const handover = new Handover<Way>(true)
  t.is(handover.tick(500), 0)
  handover.begin(new Way(), new Way(), 1)
  t.is(handover.tick(500), 500)
  t.is(handover.tick(500), 1000)
  handover.reset()
  t.is(handover.tick(500), 0)
})

function isBusy({ toLower, toUpper }: Way): boolean {
  return toLower.queue.length > 0 || toUpper.queue.length > 0
}

function numbers(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index)
}
