// Broadcasts by the official JavaScript client (@supabase/realtime-js), unmodified, spoken to in JSON lines.
//
// usage: node official_broadcast.mjs MODULES URL APIKEY TOKEN     (MODULES: the folder that holds node_modules)
//
// stdin:  {"do": "join", "topic", "config"} | {"do": "send" | "http", "event", "payload"} | {"do": "bytes", "event", "hex"}
// stdout: ["subscribed"] | ["refused", words] | ["heard", event, payload, meta] | ["sent", outcome]

import { createRequire } from 'node:module'
import path from 'node:path'
import { createInterface } from 'node:readline'

const [modules, url, apikey, token] = process.argv.slice(2)
const require = createRequire(path.join(path.resolve(modules), '/'))
const { RealtimeClient } = require('@supabase/realtime-js')
const { WebSocket } = require('ws')

const tell = (...parts) => process.stdout.write(JSON.stringify(parts) + '\n')
const client = new RealtimeClient(url, { params: { apikey }, transport: WebSocket })
await client.setAuth(token)
let channel = null

const plain = (payload) => (payload instanceof ArrayBuffer ? { hex: Buffer.from(payload).toString('hex') } : payload)

const commands = {
  join({ topic, config }) {
    channel = client.channel(topic, { config })
    channel.on('broadcast', { event: '*' }, ({ event, payload, meta }) =>
      tell('heard', event, plain(payload), meta ?? null))
    channel.subscribe((status, error) => {
      if (status === 'SUBSCRIBED') tell('subscribed')
      if (status === 'CHANNEL_ERROR') tell('refused', error?.message ?? null)
    })
  },
  async send({ event, payload }) {
    tell('sent', await channel.send({ type: 'broadcast', event, payload }))
  },
  async bytes({ event, hex }) {
    const payload = Uint8Array.from(Buffer.from(hex, 'hex')).buffer
    tell('sent', await channel.send({ type: 'broadcast', event, payload }))
  },
  async http({ event, payload }) {
    const outcome = await channel.httpSend(event, payload).catch((error) => ({ error: error.message }))
    tell('sent', outcome.success ? 'ok' : outcome.error)
  },
}

const lines = createInterface({ input: process.stdin })
lines.on('line', (line) => {
  const command = JSON.parse(line)
  commands[command.do](command)
})
lines.on('close', () => process.exit(0))
