import test from 'brittle'
import { Queue } from '../../src/base/queue.ts'

test('queue - delivers in order and ends after close', async (t) => {
  const queue = new Queue<number>(4)
  queue.push(1)
  queue.push(2)
  queue.close()
  const seen: number[] = []
  for await (const item of queue) seen.push(item)
  t.alike(seen, [1, 2])
})

test('queue - refuses the item above its bound', (t) => {
  const queue = new Queue<number>(2)
  t.ok(queue.push(1))
  t.ok(queue.push(2))
  t.absent(queue.push(3))
  t.is(queue.size, 2)
})

test('queue - a reader waiting at close gets the error once', async (t) => {
  const queue = new Queue<number>(2)
  const rejected = t.exception(queue.next(), /gone/)
  queue.close(new Error('gone'))
  await rejected
  t.alike(await queue.next(), { value: undefined, done: true })
})

test('queue - items queued before an error are still delivered', async (t) => {
  const queue = new Queue<number>(2)
  queue.push(7)
  queue.close(new Error('gone'))
  t.alike(await queue.next(), { value: 7, done: false })
  await t.exception(queue.next(), /gone/)
})

test('queue - leaving the loop early tells the producer once', async (t) => {
  let returned = 0
  const queue = new Queue<number>(2, () => returned++)
  queue.push(1)
  for await (const item of queue) {
    t.is(item, 1)
    break
  }
  t.is(returned, 1)
  t.absent(queue.push(2))
})
