// The far process of the pipeline bench: the last stage, and an echo that answers an activation's bytes
// with an id's. Arguments: the model file and the layer at which its stage begins.

import { once } from 'node:events'
import { createServer, type AddressInfo, type Socket } from 'node:net'

import { accepted, hopIdentities, openNetwork } from './hop-ends.ts'
import {
  TOKEN_BYTES,
  activationWireBytes,
  serveStage,
  type PipelinePorts
} from './pipeline-ends.ts'

const HOST = '127.0.0.1'
const [path = '', cut = ''] = process.argv.slice(2)
const { far } = hopIdentities()
const network = await openNetwork(far, HOST, () => {})
const { model } = await serveStage(network, path, (nLayers) => {
  return { start: Number(cut), end: nLayers }
})
const frameBytes = activationWireBytes(model)

const ports: PipelinePorts = {
  lane: network.port,
  link: await listen((socket) => {
    const stream = accepted(socket, far)
    stream.on('connect', () => network.accept(stream))
  }),
  echo: await listen((socket) => {
    let waitingBytes = 0
    socket.on('error', () => {})
    socket.on('data', (bytes) => {
      waitingBytes += bytes.byteLength
      for (; waitingBytes >= frameBytes; waitingBytes -= frameBytes) {
        socket.write(new Uint8Array(TOKEN_BYTES))
      }
    })
  })
}
console.log(JSON.stringify(ports))

async function listen(onSocket: (socket: Socket) => void): Promise<number> {
  const server = createServer({ noDelay: true }, onSocket)
  server.listen(0, HOST)
  await once(server, 'listening')
  return (server.address() as AddressInfo).port
}
