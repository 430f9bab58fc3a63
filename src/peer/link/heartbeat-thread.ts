// The thread that heartbeats are sent and heard on, so that they go out on time while the main loop is
// busy with a long prompt or a garbage collection. The entry of a worker thread: heartbeat-port.ts starts
// it and is the only one to talk to it. Owns the socket and the timer, and nothing that decides.
//
// It must not outlive what it speaks for: a main loop that shows no sign of life any more (it counts up in
// shared memory at every tick) soon has no heartbeats either.

import { parentPort, workerData } from 'node:worker_threads'

import { every, systemClock } from '../../base/clock.ts'
import { HeartbeatSocket } from './heartbeat-socket.ts'
import { Heartbeats, type Beat, type BeatNeighbour } from './heartbeats.ts'
import { BEAT_INTERVAL_MS } from './jitter.ts'

import type { PeerId } from '../../wire/ids.ts'

/**
 * How long heartbeats speak for a main loop that stands still: above the longest work that it does in one
 * go (rendering a hostile chat template, three seconds, see TEMPLATE_STEPS_MAX).
 */
const STALL_MAX_MS = 5000

/** What the main loop gives along. */
export interface ThreadData {
  host: string | null
  /** (1,) counted up by the main loop at every tick. */
  ticks: Int32Array
}

export type ToThread =
  { type: 'add'; neighbour: BeatNeighbour } | { type: 'remove'; peer: PeerId } | { type: 'close' }

export type FromThread = { type: 'open'; port: number } | ({ type: 'beat' } & Beat)

const { host, ticks } = workerData as ThreadData

const heartbeats = new Heartbeats(systemClock, {
  send: (bytes, to) => socket?.send(bytes, to),
  onBeat: (beat) => tell({ type: 'beat', ...beat })
})
const socket = await HeartbeatSocket.open(host, (bytes, source) => {
  heartbeats.receive(bytes, source)
})

let ticksSeen = -1
let movedMs = systemClock.now()
const timer = every(systemClock, BEAT_INTERVAL_MS, () => {
  const nowMs = systemClock.now()
  const ticksNow = Atomics.load(ticks, 0)
  if (ticksNow !== ticksSeen) movedMs = nowMs
  ticksSeen = ticksNow
  if (nowMs - movedMs <= STALL_MAX_MS) heartbeats.tick()
})

parentPort?.on('message', (message: ToThread) => {
  if (message.type === 'add') heartbeats.add(message.neighbour)
  else if (message.type === 'remove') heartbeats.remove(message.peer)
  else {
    timer.cancel()
    socket?.close()
    parentPort?.close()
  }
})
tell({ type: 'open', port: socket?.port ?? 0 })

function tell(message: FromThread): void {
  parentPort?.postMessage(message, [])
}
