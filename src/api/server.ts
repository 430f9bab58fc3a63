// The API of a running peer on a Unix socket and, if asked for, on 127.0.0.1: one set of routes for both.
// Owns the listeners, the guards before a route (count, host, content type) and what becomes of an
// error. Knows the peer only as SwarmService. Nothing here is reachable from another machine.

import { chmodSync } from 'node:fs'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { sleep, type Clock } from '../base/clock.ts'
import { abortError, isAbort, SwarmError } from '../base/errors.ts'
import * as limits from '../base/limits.ts'
import type { Log } from '../base/log.ts'
import type { Random } from '../base/random.ts'
import { clip } from '../base/text.ts'
import { BodyReader } from './body-reader.ts'
import { CONTROL_ROUTES } from './control-routes.ts'
import { freeSocket } from './control-socket.ts'
import { findRoute, type Route } from './exchange.ts'
import { KNOWLEDGE_ROUTES } from './knowledge-routes.ts'
import { OPENAI_ROUTES } from './openai-routes.ts'
import { sendError } from './reply.ts'
import type { SwarmService } from './service.ts'

export interface ApiServerOptions {
  service: SwarmService
  clock: Clock
  random: Random
  log: Log
  /** The owner's listener; absent in tests of the other one. */
  socketPath?: string
  /** Also on 127.0.0.1; 0 takes any free port. */
  httpPort?: number
  /** Replaces bounds of base/limits.ts, for tests that reach them. */
  limits?: Partial<ApiLimits>
}

export interface ApiLimits {
  bodyBytesMax: number
  bodiesBytesMax: number
  bodyTimeoutMs: number
  requestsMax: number
  stallMs: number
}

const LIMITS: ApiLimits = {
  bodyBytesMax: limits.API_BODY_BYTES_MAX,
  bodiesBytesMax: limits.API_BODIES_BYTES_MAX,
  bodyTimeoutMs: limits.API_BODY_TIMEOUT_MS,
  requestsMax: limits.API_REQUESTS_MAX,
  stallMs: limits.API_STALL_MS
}

/** Time that streams get to write their last line when the server closes. */
const CLOSE_GRACE_MS = 500

const ROUTES: readonly Route[] = [...CONTROL_ROUTES, ...KNOWLEDGE_ROUTES, ...OPENAI_ROUTES]

// A page of another site may send to this port under its own name (DNS rebinding); these are ours.
const LOCAL_HOSTS = new Set(['localhost', '127.0.0.1', '[::1]'])

export class ApiServer {
  readonly #options: ApiServerOptions
  readonly #limits: ApiLimits
  readonly #bodies: BodyReader
  readonly #active = new Set<AbortController>()
  #servers: Server[] = []
  #address: string | null = null
  #closing: Promise<void> | null = null

  constructor(options: ApiServerOptions) {
    this.#options = options
    this.#limits = { ...LIMITS, ...options.limits }
    this.#bodies = new BodyReader(options.clock, this.#limits)
  }

  /** `http://127.0.0.1:PORT` when the TCP listener is open. */
  get address(): string | null {
    return this.#address
  }

  /** @throws STORE_BUSY, STORE_UNREADABLE, USAGE_BAD_VALUE (port taken or refused). */
  async open(): Promise<void> {
    const { socketPath, httpPort, clock } = this.#options
    try {
      if (socketPath !== undefined) {
        await freeSocket(socketPath, clock)
        await this.#listen({ path: socketPath }, false)
        chmodSync(socketPath, 0o600)
      }
      if (httpPort !== undefined) {
        const server = await this.#listen({ host: '127.0.0.1', port: httpPort }, true)
        const address = server.address()
        const port = typeof address === 'object' && address !== null ? address.port : httpPort
        this.#address = `http://127.0.0.1:${port}`
      }
    } catch (error) {
      await this.close()
      throw error
    }
  }

  /** Ends every request; streams get a last line that says so. Removes the socket. */
  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    const closed = this.#servers.map(
      (server) => new Promise<void>((resolve) => server.close(() => resolve()))
    )
    const idle = Promise.all(closed)
    for (const controller of this.#active) controller.abort(abortError())
    for (const server of this.#servers) server.closeIdleConnections()
    await Promise.race([idle, sleep(this.#options.clock, CLOSE_GRACE_MS)])
    for (const server of this.#servers) server.closeAllConnections()
    await idle
    this.#servers = []
    this.#address = null
  }

  async #listen(where: { path: string } | { host: string; port: number }, tcp: boolean) {
    const server = createServer({
      maxHeaderSize: limits.API_HEADER_BYTES_MAX,
      // Node's own guard against a head that never ends; bodies have ours.
      headersTimeout: this.#limits.bodyTimeoutMs,
      requestTimeout: 0
    })
    server.maxConnections = limits.API_CONNECTIONS_MAX
    server.on('connection', (socket) => socket.setMaxListeners(limits.API_REQUESTS_MAX * 2))
    server.on('request', (request, response) => void this.#serve(request, response, tcp))
    this.#servers.push(server)
    await new Promise<void>((resolve, reject) => {
      server.once('error', (error) => reject(listenError(error, where)))
      server.listen(where, resolve)
    })
    server.on('error', (error) => this.#options.log.warn(`a connection failed: ${error.message}`))
    return server
  }

  async #serve(request: IncomingMessage, response: ServerResponse, tcp: boolean): Promise<void> {
    const { service, clock, random, log } = this.#options
    const started = clock.now()
    const controller = new AbortController()
    const path = (request.url ?? '').split('?', 1)[0] as string
    const found = findRoute(ROUTES, request.method ?? '', path)
    // Of requests sent in one go only the first has a response that hears of the socket's end.
    const { socket } = request
    const end = (): void => {
      socket.off('close', end)
      response.off('close', end)
      this.#active.delete(controller)
      if (!response.writableFinished) controller.abort(abortError())
      const tookMs = Math.round(clock.now() - started)
      log.debug(`${request.method} ${clip(path)} ${response.statusCode} ${tookMs} ms`)
    }
    socket.on('close', end)
    response.on('close', end)
    // A client that left: 'close' follows.
    response.on('error', () => {})
    try {
      this.#admit(controller)
      if (tcp) checkHost(request)
      if (!('route' in found)) throw unknownRoute(found.allow, request.method ?? '', path, response)
      if (tcp) checkCrossSite(found.route, request)
      await found.route.handle({
        service,
        clock,
        random,
        log,
        stallMs: this.#limits.stallMs,
        request,
        response,
        rest: found.rest,
        signal: controller.signal,
        isClosing: () => this.#closing !== null,
        body: () => this.#bodies.json(request, controller.signal)
      })
    } catch (error) {
      if (isAbort(error)) return void response.destroy()
      if (!(error instanceof SwarmError)) log.error(`${path}: ${stackOf(error)}`)
      if (response.headersSent) return void response.destroy()
      sendError(response, error, 'route' in found ? found.route.openai : true)
    }
  }

  #admit(controller: AbortController): void {
    if (this.#closing !== null) {
      throw new SwarmError('PEER_GONE', 'the peer is stopping; ask again when it is back')
    }
    if (this.#active.size >= this.#limits.requestsMax) {
      throw new SwarmError(
        'PEER_BUSY',
        `the peer serves ${this.#active.size} requests already; try again in a moment`
      )
    }
    this.#active.add(controller)
  }
}

/** @throws USAGE_FORBIDDEN */
function checkHost(request: IncomingMessage): void {
  const host = (request.headers.host ?? '').toLowerCase().replace(/:\d*$/, '')
  if (LOCAL_HOSTS.has(host)) return
  throw new SwarmError(
    'USAGE_FORBIDDEN',
    `this port answers to localhost and 127.0.0.1 only, not to '${clip(host)}'`
  )
}

/**
 * What a page in a browser can send without asking first (CORS "simple requests") has another content
 * type, so requiring JSON keeps other sites from posting here.
 * @throws USAGE_CONTENT_TYPE, USAGE_FORBIDDEN
 */
function checkCrossSite(route: Route, request: IncomingMessage): void {
  if (route.ownerOnly) {
    throw new SwarmError(
      'USAGE_FORBIDDEN',
      `${route.path} is answered on the control socket only; use the swarm command`
    )
  }
  const type = (request.headers['content-type'] ?? '').split(';', 1)[0]?.trim().toLowerCase()
  if (route.method === 'GET' || type === 'application/json') return
  throw new SwarmError(
    'USAGE_CONTENT_TYPE',
    `send the header content-type: application/json, not '${clip(type ?? '')}'`
  )
}

function unknownRoute(
  allow: string[],
  method: string,
  path: string,
  response: ServerResponse
): SwarmError {
  if (allow.length === 0) {
    return new SwarmError('USAGE_UNKNOWN_ROUTE', `there is no route ${clip(method)} ${clip(path)}`)
  }
  response.setHeader('allow', allow.join(', '))
  return new SwarmError('USAGE_BAD_METHOD', `${clip(path)} takes ${allow.join(' or ')} only`)
}

function listenError(
  error: NodeJS.ErrnoException,
  where: { path: string } | { host: string; port: number }
): SwarmError {
  const name = 'path' in where ? where.path : `127.0.0.1:${where.port}`
  const taken = error.code === 'EADDRINUSE'
  const code = 'path' in where ? (taken ? 'STORE_BUSY' : 'STORE_UNREADABLE') : 'USAGE_BAD_VALUE'
  const hint = 'port' in where && taken ? '; choose another with --http PORT' : ''
  return new SwarmError(code, `cannot listen on ${name}: ${error.message}${hint}`, { cause: error })
}

function stackOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error)
}
