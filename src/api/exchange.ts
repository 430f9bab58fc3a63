// One request on its way through the server: what a route gets, and the table entry it is found by.

import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Clock } from '../base/clock.ts'
import type { Log } from '../base/log.ts'
import type { Random } from '../base/random.ts'
import type { JsonObject } from './fields.ts'
import type { SwarmService } from './service.ts'

/** What the routes use beside the request; the same for all. */
export interface RouteTools {
  service: SwarmService
  clock: Clock
  random: Random
  log: Log
  stallMs: number
}

export interface Exchange extends RouteTools {
  request: IncomingMessage
  response: ServerResponse
  /** What a route with `rest` matched behind its path, decoded. */
  rest: string
  /** Aborts when the client leaves or the server closes. */
  signal: AbortSignal
  /** True when the signal aborted because the server closes. */
  isClosing(): boolean
  /** @throws as BodyReader.json */
  body(): Promise<JsonObject>
}

export interface Route {
  method: 'GET' | 'POST'
  path: string
  /** Matches one more segment behind the path, such as a model's name. */
  rest?: boolean
  /** Errors in OpenAI's spelling; the control routes keep ours. */
  openai: boolean
  /** Only over the control socket, which only its owner can open; a TCP port is open to all users. */
  ownerOnly?: boolean
  handle(exchange: Exchange): void | Promise<void>
}

/** The route of a path, and with another method the methods that it has. */
export function findRoute(
  routes: readonly Route[],
  method: string,
  path: string
): { route: Route; rest: string } | { allow: string[] } {
  const allow: string[] = []
  for (const route of routes) {
    const rest = matchPath(route, path)
    if (rest === null) continue
    if (route.method === method) return { route, rest }
    allow.push(route.method)
  }
  return { allow }
}

function matchPath(route: Route, path: string): string | null {
  if (!route.rest) return path === route.path ? '' : null
  if (!path.startsWith(`${route.path}/`)) return null
  try {
    return decodeURIComponent(path.slice(route.path.length + 1)) || null
  } catch {
    // A percent sign that starts no escape: no model is called that.
    return null
  }
}
