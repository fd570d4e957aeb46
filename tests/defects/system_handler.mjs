// What `.on('system', …)` does in the official client: as the specification writes it, and as it is to be written.
//
// usage: node system_handler.mjs MODULES     (MODULES: the folder that holds node_modules)
// stdout: {"thrown": [message…], "connected_as_written": […], "connected_as_meant": […]}

import { createRequire } from 'node:module'
import path from 'node:path'

const require = createRequire(path.join(path.resolve(process.argv[2]), '/'))
const { RealtimeClient } = require('@supabase/realtime-js')
const { WebSocket, WebSocketServer } = require('ws')

const READY = { channel: 't', extension: 'postgres_changes', status: 'ok', message: 'Subscribed to PostgreSQL' }
const thrown = []
process.on('uncaughtException', (error) => thrown.push(error.message))

const server = new WebSocketServer({ port: 0 })
server.on('connection', (socket) =>
  socket.on('message', (frame) => {
    const [joinRef, ref, topic, event] = JSON.parse(frame)
    if (event !== 'phx_join') return
    socket.send(JSON.stringify([joinRef, ref, topic, 'phx_reply', { status: 'ok', response: {} }]))
    socket.send(JSON.stringify([joinRef, null, topic, 'system', READY]))
  }),
)

// A client each: what one page throws must not keep the other from hearing.
const page = () =>
  new RealtimeClient(`ws://127.0.0.1:${server.address().port}/socket`, {
    params: { apikey: 'k' },
    transport: WebSocket,
  }).channel('t')
const asWritten = []
const asMeant = []
page()
  .on('system', (status) => asWritten.push(status === 'SUBSCRIBED'))
  .subscribe()
page()
  .on('system', {}, (payload) => asMeant.push(payload.extension === 'postgres_changes' && payload.status === 'ok'))
  .subscribe()

const started = Date.now()
const waiting = setInterval(() => {
  if ((thrown.length === 0 || asMeant.length === 0) && Date.now() - started < 10_000) return
  clearInterval(waiting)
  process.stdout.write(
    JSON.stringify({ thrown, connected_as_written: asWritten, connected_as_meant: asMeant }) + '\n',
    () => process.exit(0),
  )
}, 50)
