import test from 'brittle'

import { seededRandom } from '../../../src/base/random.ts'
import { Handover } from '../../../src/peer/lane/handover.ts'

import type { HandoverStep } from '../../../src/peer/lane/handover.ts'
import type { Random } from '../../../src/base/random.ts'

type Message = { frame: number } | 'end' | 'after'

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
    this.out(from).queue.push('end')
    this.out(way).queue.push('after')
    this.in(way).held = true
    this.used = way
    this.act(this.handover.begin(from, way))
  }

  receive(way: Way): boolean {
    const pipe = this.in(way)
    if (pipe.held) return false
    const message = pipe.queue.shift()
    if (message === undefined) return false
    if (message === 'end') this.act(this.handover.end(way))
    else if (message === 'after') {
      pipe.held = true
      this.act(this.handover.begin(this.used, way))
    } else this.received.push(message.frame)
    return true
  }

  act(step: HandoverStep<Way>): void {
    if (step.type === 'wait') return
    if (step.type === 'switch') {
      this.out(step.from).queue.push('end')
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

test('handover - whatever was said of an earlier way means nothing after a reset', (t) => {
  const [a, b, c] = [new Way(), new Way(), new Way()]
  const handover = new Handover<Way>(false)
  handover.end(a)
  handover.reset()
  t.is(handover.begin(a, b).type, 'wait')
  t.ok(handover.involves(a) && handover.involves(b) && !handover.involves(c))
  t.is(handover.end(c).type, 'wait', 'the end of another way')
  t.is(handover.end(a).type, 'switch')
  t.absent(handover.isOpen)
})

test('handover - one that is not finished counts its time, from its own beginning', (t) => {
  const handover = new Handover<Way>(true)
  t.is(handover.tick(500), 0)
  handover.begin(new Way(), new Way())
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
