// Channels of the official JavaScript client (@supabase/realtime-js), unmodified, spoken to in JSON lines.
//
// usage: node official_person.mjs MODULES URL APIKEY TOKEN     (MODULES: the folder that holds node_modules)
//
// stdin:  {"do": "join", "topic", "config", "bindings"} | {"do": "send", "topic", "event", "payload"}
//         | {"do": "track", "topic", "payload"} | {"do": "untrack" | "leave", "topic"} | {"do": "token", "token"}
// stdout: [topic, "subscribed" | "ready"] | [topic, "refused", words] | [topic, "closed"] | [topic, "heard", event, payload]
//         | [topic, "sent", outcome] | [topic, "present", state]
//         | [topic, "change", number of the binding, action, record]

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
const channels = new Map()

function join({ topic, config, bindings }) {
  const channel = client.channel(topic, { config })
  channels.set(topic, channel)
  channel.on('broadcast', { event: '*' }, ({ event, payload }) => tell(topic, 'heard', event, payload))
  if (config.presence) channel.on('presence', { event: 'sync' }, () => tell(topic, 'present', channel.presenceState()))
  channel.on('system', {}, ({ extension }) => extension === 'postgres_changes' && tell(topic, 'ready'))
  bindings.forEach((binding, number) =>
    channel.on('postgres_changes', binding, (told) => tell(topic, 'change', number, told.eventType, told.new)))
  channel.subscribe((status, error) => {
    if (status === 'SUBSCRIBED') tell(topic, 'subscribed')
    if (status === 'CHANNEL_ERROR') tell(topic, 'refused', error?.message ?? '')
    if (status === 'CLOSED') tell(topic, 'closed')
  })
}

const commands = {
  join,
  async send({ topic, event, payload }) {
    tell(topic, 'sent', await channels.get(topic).send({ type: 'broadcast', event, payload }))
  },
  track: ({ topic, payload }) => channels.get(topic).track(payload),
  untrack: ({ topic }) => channels.get(topic).untrack(),
  leave: ({ topic }) => channels.get(topic).unsubscribe(),
  token: ({ token }) => client.setAuth(token),
}

const lines = createInterface({ input: process.stdin })
lines.on('line', (line) => {
  const command = JSON.parse(line)
  commands[command.do](command)
})
lines.on('close', () => process.exit(0))
