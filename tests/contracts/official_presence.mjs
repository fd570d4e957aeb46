// Presence by the official JavaScript client (@supabase/realtime-js), unmodified, spoken to in JSON lines.
//
// usage: node official_presence.mjs MODULES URL APIKEY     (MODULES: the folder that holds node_modules)
//
// stdin:  {"do": "join", "key"} | {"do": "track", "payload"} | {"do": "untrack"} | {"do": "leave"}
// stdout: ["subscribed"] | ["sync", state] | ["join", key, presences] | ["leave", key, presences] | ["closed"]

import { createRequire } from 'node:module'
import path from 'node:path'
import { createInterface } from 'node:readline'

const [modules, url, apikey] = process.argv.slice(2)
const require = createRequire(path.join(path.resolve(modules), '/'))
const { RealtimeClient } = require('@supabase/realtime-js')
const { WebSocket } = require('ws')

const tell = (...parts) => process.stdout.write(JSON.stringify(parts) + '\n')
const client = new RealtimeClient(url, { params: { apikey }, transport: WebSocket })
let channel = null

function join({ key }) {
  channel = client.channel('office', { config: { presence: { key, enabled: true } } })
  channel.on('presence', { event: 'sync' }, () => tell('sync', channel.presenceState()))
  channel.on('presence', { event: 'join' }, ({ key, newPresences }) => tell('join', key, newPresences))
  channel.on('presence', { event: 'leave' }, ({ key, leftPresences }) => tell('leave', key, leftPresences))
  channel.subscribe((status) => {
    if (status === 'SUBSCRIBED') tell('subscribed')
    if (status === 'CLOSED') tell('closed')
  })
}

const commands = {
  join,
  track: ({ payload }) => channel.track(payload),
  untrack: () => channel.untrack(),
  leave: () => channel.unsubscribe(),
}

const lines = createInterface({ input: process.stdin })
lines.on('line', (line) => {
  const command = JSON.parse(line)
  commands[command.do](command)
})
lines.on('close', () => process.exit(0))
