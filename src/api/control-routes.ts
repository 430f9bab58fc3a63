// The routes of the control socket under /swarm/, and /mesh/top: what the command line and the dashboard
// ask of a running peer. Streams are NDJSON, one event per line; an error that comes late is the last line.

import { isAbort, SwarmError } from '../base/errors.ts'
import { mustReadSession, readControlRequest, readGateEdit, readWhatIf } from './control-request.ts'
import type { Exchange, Route } from './exchange.ts'
import { streamGeneration, type StreamFormat } from './generation-stream.ts'
import { errorBody } from './http-error.ts'
import { sendJson, StreamReply } from './reply.ts'

const NDJSON = 'application/x-ndjson'
const LINES: StreamFormat = {
  contentType: NDJSON,
  ping: '\n',
  event: line,
  error: (error) => line({ type: 'error', error: errorBody(error, false) })
}

export const CONTROL_ROUTES: readonly Route[] = [
  get('/swarm/status', ({ service, response }) => sendJson(response, 200, service.status())),
  get('/swarm/peers', ({ service, response }) =>
    sendJson(response, 200, { peers: service.peers() })
  ),
  get('/swarm/plan', ({ service, response }) => sendJson(response, 200, service.plan())),
  // It may take a third of a second of this peer's one thread, so it is the owner's to ask.
  ownerOnly(
    post('/swarm/plan', async ({ service, response, body }) =>
      sendJson(response, 200, service.planIf(readWhatIf(await body())))
    )
  ),
  get('/swarm/explain', ({ service, response }) =>
    sendJson(response, 200, { sessions: service.explain() })
  ),
  get('/mesh/top', ({ service, response }) => sendJson(response, 200, service.top())),
  get('/swarm/events', events),
  post('/swarm/generate', async (exchange) => {
    const request = readControlRequest(await exchange.body())
    await streamGeneration(exchange, exchange.service.generate(request, exchange.signal), LINES)
  }),
  // What others asked is not for everybody who may ask.
  ownerOnly(
    get('/swarm/sessions', async ({ service, response }) =>
      sendJson(response, 200, { sessions: await service.sessions() })
    )
  ),
  ownerOnly(
    post('/swarm/attach', async (exchange) => {
      const session = mustReadSession(await exchange.body())
      await streamGeneration(exchange, exchange.service.attach(session, exchange.signal), LINES)
    })
  ),
  post('/swarm/close-session', closeSession),
  // It writes on the disks of other machines.
  ownerOnly(post('/swarm/save-session', saveSession)),
  // An invite is as good as the secret, and who may link is the owner's to say.
  ownerOnly(
    get('/swarm/invite', ({ service, response }) => sendJson(response, 200, service.invite()))
  ),
  ownerOnly(get('/swarm/gate', ({ service, response }) => sendJson(response, 200, service.gate()))),
  ownerOnly(
    post('/swarm/gate', async ({ service, response, body }) =>
      sendJson(response, 200, service.editGate(readGateEdit(await body())))
    )
  ),
  // Generating is what a TCP port was opened for; ending the peer is its owner's alone.
  ownerOnly(
    post('/swarm/stop', ({ service, response }) => {
      service.stop()
      sendJson(response, 202, { stopping: true })
    })
  )
]

async function events(exchange: Exchange): Promise<void> {
  const { service, response, clock, stallMs, signal } = exchange
  const reply = new StreamReply(response, {
    clock,
    stallMs,
    contentType: NDJSON,
    ping: '\n',
    signal
  })
  try {
    for await (const event of service.events(signal)) await reply.write(line(event))
    reply.end()
  } catch (error) {
    if (!(error instanceof SwarmError) && !isAbort(error)) throw error
    // A reader that left or stalled gets no orderly end; one whose peer stops does.
    if (exchange.isClosing()) reply.end()
    else reply.cut()
  }
}

async function closeSession({ service, response, body }: Exchange): Promise<void> {
  service.closeSession(mustReadSession(await body()))
  sendJson(response, 200, { closed: true })
}

async function saveSession({ service, response, body }: Exchange): Promise<void> {
  sendJson(response, 200, await service.saveSession(mustReadSession(await body())))
}

function line(event: object): string {
  return JSON.stringify(event) + '\n'
}

function ownerOnly(route: Route): Route {
  return { ...route, ownerOnly: true }
}

function get(path: string, handle: Route['handle']): Route {
  return { method: 'GET', path, openai: false, handle }
}

function post(path: string, handle: Route['handle']): Route {
  return { method: 'POST', path, openai: false, handle }
}
