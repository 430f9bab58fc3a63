// Whether this machine reaches itself at its own addresses, by TCP and by the beacon's UDP port: the part
// of a firewall that can be tried without asking another machine. Nothing leaves this machine: TCP goes
// to its own addresses, and the datagrams have a time to live of 0.

import { createSocket, type Socket } from 'node:dgram'
import { connect, createServer } from 'node:net'

import { BEACON_PORT, GROUP_4 } from '../../peer/find/beacon.ts'
import { afterListening } from '../../peer/link/silence.ts'

import type { Clock } from '../../base/clock.ts'
import type { Random } from '../../base/random.ts'

export interface SelfReach {
  /** Own addresses at which an own TCP port does not answer. */
  tcpBlocked: string[]
  /** Own IPv4 addresses whose multicast does not come back at the beacon's port. */
  beaconBlocked: string[]
  /** The beacon's port cannot be opened: why. */
  beaconError: string | null
}

/** Of listening: on a busy machine this process may stand still for as long. */
const TIMEOUT_MS = 700
const NONCE_BYTES = 16

export async function reachSelf(
  addresses: readonly string[],
  clock: Clock,
  random: Random,
  beaconPort = BEACON_PORT
): Promise<SelfReach> {
  const [tcpBlocked, beacon] = await Promise.all([
    tryTcp(addresses, clock),
    tryBeacon(
      addresses.filter((address) => !address.includes(':')),
      clock,
      random,
      beaconPort
    )
  ])
  return { tcpBlocked, ...beacon }
}

async function tryTcp(addresses: readonly string[], clock: Clock): Promise<string[]> {
  const server = createServer((socket) => {
    socket.on('error', () => {})
    socket.end()
  })
  const port = await new Promise<number>((resolve) => {
    server.on('error', () => resolve(0))
    server.listen(0, () => {
      const address = server.address()
      resolve(address !== null && typeof address === 'object' ? address.port : 0)
    })
  })
  const answers = await Promise.all(addresses.map((host) => answersTcp(host, port, clock)))
  server.close()
  return addresses.filter((_, index) => answers[index] !== true)
}

function answersTcp(host: string, port: number, clock: Clock): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port })
    const finish = (answer: boolean) => {
      timer.cancel()
      socket.destroy()
      resolve(answer)
    }
    const timer = afterListening(clock, TIMEOUT_MS, () => finish(false))
    socket.once('connect', () => finish(true))
    socket.on('error', () => finish(false))
  })
}

async function tryBeacon(
  addresses: readonly string[],
  clock: Clock,
  random: Random,
  port: number
): Promise<Omit<SelfReach, 'tcpBlocked'>> {
  const sockets: Socket[] = []
  const heard = new Set<string>()
  const nonces = new Map(addresses.map((address) => [hex(random.bytes(NONCE_BYTES)), address]))
  let wake = (): void => {}
  const all = new Promise<void>((resolve) => (wake = resolve))
  try {
    const receiver = await bound({ port, shared: true }, sockets)
    receiver.on('message', (bytes) => {
      const address = nonces.get(hex(bytes))
      if (address !== undefined) heard.add(address)
      if (heard.size === nonces.size) wake()
    })
    for (const [nonce, address] of nonces) {
      receiver.addMembership(GROUP_4, address)
      const sender = await bound({ port: 0, shared: false, address }, sockets)
      sender.setMulticastInterface(address)
      sender.setMulticastTTL(0)
      sender.send(Buffer.from(nonce, 'hex'), port, GROUP_4, () => {})
    }
    if (nonces.size > 0) await Promise.race([all, late(clock)])
    const beaconBlocked = addresses.filter((address) => !heard.has(address))
    return { beaconBlocked, beaconError: null }
  } catch (error) {
    return { beaconBlocked: [], beaconError: (error as Error).message }
  } finally {
    for (const socket of sockets) socket.close()
  }
}

function late(clock: Clock): Promise<void> {
  return new Promise((resolve) => afterListening(clock, TIMEOUT_MS, resolve))
}

function bound(
  options: { port: number; shared: boolean; address?: string },
  sockets: Socket[]
): Promise<Socket> {
  const { port, shared, address = '0.0.0.0' } = options
  const socket = createSocket({ type: 'udp4', reuseAddr: shared })
  sockets.push(socket)
  return new Promise((resolve, reject) => {
    socket.on('error', reject)
    socket.bind({ port, address }, () => resolve(socket))
  })
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex')
}
