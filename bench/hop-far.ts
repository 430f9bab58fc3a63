// The far process of the hop bench: sends back whatever comes, bare and through the whole of our path,
// and says when the last block of a flood is there. Argument: the address to listen at.

import { once } from 'node:events'
import { createServer, type AddressInfo, type Socket } from 'node:net'

import {
  BLOCK_BYTES,
  FLOOD_BLOCKS,
  SESSION,
  accepted,
  hopIdentities,
  openNetwork,
  type FarPorts
} from './hop-ends.ts'

const [host = '127.0.0.1'] = process.argv.slice(2)
const { far } = hopIdentities()
const network = await openNetwork(far, host, () => {})

network.onWeights((from) => {
  if (isLastBlock())
    network.hops.to(from).send({ type: 'close', session: SESSION, epoch: 1, isReleased: false })
})

let nBlocks = 0
function isLastBlock(): boolean {
  nBlocks = (nBlocks + 1) % FLOOD_BLOCKS
  return nBlocks === 0
}

network.hops.onMessage((from, message) => {
  if (message.type !== 'activation') return
  const hop = network.hops.to(from)
  if (message.payload.byteLength === BLOCK_BYTES) {
    if (isLastBlock()) hop.send({ type: 'close', session: SESSION, epoch: 1, isReleased: false })
    return
  }
  const frame = hop.allocate(message)
  frame.payload.set(message.payload)
  frame.send()
})

const linkPort = await listen((socket) => {
  const stream = accepted(socket, far)
  stream.on('connect', () => network.accept(stream))
})
const barePort = await listen((socket) => {
  const stream = accepted(socket, far)
  stream.on('error', () => {})
  stream.on('data', (message: Uint8Array) => {
    if (message.byteLength === BLOCK_BYTES) {
      if (isLastBlock()) stream.write(new Uint8Array(1))
      return
    }
    const answer = stream.alloc(message.byteLength)
    answer.set(message)
    stream.write(answer)
  })
})
const ports: FarPorts = { bare: barePort, link: linkPort }
console.log(JSON.stringify(ports))

async function listen(onSocket: (socket: Socket) => void): Promise<number> {
  const server = createServer({ noDelay: true }, onSocket)
  server.listen(0, host)
  await once(server, 'listening')
  return (server.address() as AddressInfo).port
}
