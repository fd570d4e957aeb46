// The official JavaScript client (@supabase/realtime-js), unmodified, spoken to in JSON lines.
//
// usage: node realtime_js.mjs MODULES URL     (MODULES: the folder that holds node_modules)
//
// stdin:  {"do": "start", "params", "token", "vsn", "heartbeat_s", "reconnect_s"}
//         | {"do": "subscribe", "topic", "bindings"}
//         | {"do": "unsubscribe", "topic"} | {"do": "token", "token"} | {"do": "drop"}
// stdout: {"is": "open"} | {"is": "refused", "status", "body"} | {"is": "close", "code", "reason", "by"}
//         | {"is": "joined" | "channel_closed", "topic"} | {"is": "join_refused" | "channel_error", "topic", "reason"}
//         | {"is": "system", "topic", "payload"} | {"is": "change", "topic", "payload", "bytes"}
//
// When stdin ends it says goodbye and ends, too: it never outlives whoever started it.

import { createRequire } from 'node:module'
import path from 'node:path'
import { createInterface } from 'node:readline'

const [modules, url] = process.argv.slice(2)
const require = createRequire(path.join(path.resolve(modules), '/'))
const { RealtimeClient } = require('@supabase/realtime-js')
const { WebSocket } = require('ws')

const tell = (line) => process.stdout.write(JSON.stringify(line) + '\n')

let client = null
let socket = null
let asked = false // whether the end of the socket was our doing
const frame = { number: 0, bytes: 0 }
const GOODBYE_MS = 3000

// The transport is an option of the client; this one also tells what the client keeps to itself.
class ToldWebSocket extends WebSocket {
  constructor(address, protocols) {
    super(address, protocols, { perMessageDeflate: false })
    socket = this
    this.on('open', () => {
      asked = false
      tell({ is: 'open' })
    })
    this.on('message', (data) => {
      frame.number += 1
      frame.bytes = data.length
    })
    this.on('unexpected-response', (_request, response) => this.refused(response))
    this.on('error', (error) => {
      this.failure = error.message
    })
    this.on('close', (code, reason) => this.ended(code, reason.toString()))
  }

  ended(code, reason) {
    if (this.refusal) return // told already
    tell({ is: 'close', code, reason: reason || this.failure || '', by: asked ? 'client' : 'server' })
  }

  refused(response) {
    this.refusal = true
    const parts = []
    response.on('data', (part) => parts.push(part))
    response.on('end', () => {
      tell({ is: 'refused', status: response.statusCode, body: Buffer.concat(parts).toString() })
      this.terminate()
    })
  }
}

function start({ params, token, vsn, heartbeat_s, reconnect_s }) {
  const options = { params, vsn, transport: ToldWebSocket }
  if (heartbeat_s !== null) options.heartbeatIntervalMs = heartbeat_s * 1000
  if (reconnect_s !== null) options.reconnectAfterMs = () => reconnect_s * 1000
  client = new RealtimeClient(url, options)
  if (token !== null) client.setAuth(token)
  client.connect()
}

function subscribe({ topic, bindings }) {
  const channel = client.channel(topic)
  let toldOf = 0
  channel.on('system', {}, (payload) => tell({ is: 'system', topic, payload }))
  for (const binding of bindings) {
    // Called for each binding that a message is for: it is told once.
    channel.on('postgres_changes', binding, (payload) => {
      if (toldOf === frame.number) return
      toldOf = frame.number
      tell({ is: 'change', topic, payload, bytes: frame.bytes })
    })
  }
  channel.subscribe((status, error) => tell({ ...outcome(status, error), topic }))
}

function outcome(status, error) {
  switch (status) {
    case 'SUBSCRIBED':
      return { is: 'joined' }
    case 'TIMED_OUT':
      return { is: 'join_refused', reason: 'timed out' }
    case 'CLOSED':
      return { is: 'channel_closed' }
    default:
      return { is: answersJoin(error) ? 'join_refused' : 'channel_error', reason: words(error) }
  }
}

// A refused join carries the server's answer as its cause; a crash does, too, but with words of the client's own.
function answersJoin(error) {
  if (error?.message?.startsWith('mismatch between server and client')) return true
  return error?.cause?.constructor === Object && error.message !== 'channel error: transport failure'
}

function words(error) {
  return error?.cause?.constructor === Object && error.cause.reason ? error.cause.reason : error?.message ?? ''
}

function drop() {
  asked = true
  socket?.terminate()
}

async function goodbye() {
  asked = true
  setTimeout(() => process.exit(0), GOODBYE_MS)
  await client?.removeAllChannels()
  process.exit(0)
}

const commands = {
  start,
  subscribe,
  unsubscribe: ({ topic }) => client.channel(topic).unsubscribe(),
  token: ({ token }) => client.setAuth(token),
  drop,
}

const lines = createInterface({ input: process.stdin })
lines.on('line', (line) => {
  const command = JSON.parse(line)
  commands[command.do](command)
})
lines.on('close', goodbye)
