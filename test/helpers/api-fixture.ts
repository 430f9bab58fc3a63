// A real ApiServer on a real socket (and port), over a scripted peer, closed after the test; and raw
// HTTP for what the typed client never sends.

import { request, type IncomingHttpHeaders, type RequestOptions } from 'node:http'
import { join } from 'node:path'
import type { Test } from 'brittle'
import { ApiClient } from '../../src/api/client.ts'
import { ApiServer, type ApiServerOptions } from '../../src/api/server.ts'
import { systemClock } from '../../src/base/clock.ts'
import { silentLog } from '../../src/base/log.ts'
import { systemRandom } from '../../src/base/random.ts'
import { ScriptedService } from './scripted-service.ts'

export interface ApiFixture {
  service: ScriptedService
  server: ApiServer
  client: ApiClient
  socketPath: string
  port: number
}

export interface Answer {
  status: number
  headers: IncomingHttpHeaders
  text: string
  json(): Record<string, unknown>
}

export async function openApi(
  t: Test,
  options: Partial<ApiServerOptions> = {}
): Promise<ApiFixture> {
  const service = new ScriptedService()
  const socketPath = join(await t.tmp(), 'control.sock')
  const server = new ApiServer({
    service,
    clock: systemClock,
    random: systemRandom,
    log: silentLog,
    socketPath,
    httpPort: 0,
    ...options
  })
  await server.open()
  t.teardown(() => server.close())
  const port = Number(new URL(server.address as string).port)
  return {
    service,
    server,
    client: new ApiClient({ socketPath, dataDir: '/data', clock: systemClock }),
    socketPath,
    port
  }
}

/** One request over the socket or, with a port, over TCP; a string body is sent as it is. */
export function send(
  where: { socketPath: string } | { port: number },
  method: string,
  path: string,
  body?: string | object,
  headers: Record<string, string> = { 'content-type': 'application/json' }
): Promise<Answer> {
  const target: RequestOptions =
    'socketPath' in where
      ? { socketPath: where.socketPath }
      : { host: '127.0.0.1', port: where.port }
  return new Promise((resolve, reject) => {
    const outgoing = request({ ...target, method, path, headers, agent: false }, (response) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('error', reject)
      response.on('end', () => {
        const text = Buffer.concat(chunks).toString()
        const { statusCode, headers } = response
        const json = () => JSON.parse(text) as Record<string, unknown>
        resolve({ status: statusCode ?? 0, headers, text, json })
      })
    })
    outgoing.on('error', reject)
    outgoing.end(typeof body === 'object' ? JSON.stringify(body) : body)
  })
}

/** The JSON of every `data:` line of a server-sent stream, `[DONE]` as a string. */
export function sseData(text: string): unknown[] {
  return text
    .split('\n\n')
    .filter((frame) => frame.startsWith('data: '))
    .map((frame) => frame.slice('data: '.length))
    .map((data) => (data === '[DONE]' ? data : JSON.parse(data)))
}
