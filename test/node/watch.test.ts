import '../../src/shims.node.ts'
import type { Connection, IdentifyResult, Libp2pEvents, Logger } from '@libp2p/interface'
import { TypedEventEmitter } from '@libp2p/interface'
import { peerIdFromString } from '@libp2p/peer-id'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { GossipWatch, type WatchComponents } from '../../src/node/watch.ts'
import { waitFor } from '../support/wait-for.ts'

const test = suite('node/watch')
const peer = peerIdFromString('12D3KooWA1bysjrTACSWqf6q172inxvwKHUxAnBtVgaVDKMxpZtx')
const id = peer.toString()
const other = peerIdFromString('12D3KooWQRg3yFNgDrHN8PUxtyfmjaovoLUeYqyav8h9gzw337rW')
const silent = (() => undefined) as unknown as Logger
const INTERVAL = 5

/** A peer that is connected and speaks gossip, with whatever streams and score a test gives it. */
function setup() {
  const events = new TypedEventEmitter<Libp2pEvents>()
  const outbound = new Map<string, unknown>([[id, {}]])
  const inbound = new Map([[id, { rawStream: { status: 'open' } }]])
  const seen = { score: 0, looks: 0, others: 0, opened: 0, cut: 0, flooders: [] as string[], isErrand: false }
  const connection = { status: 'open', abort: () => seen.cut++ } as unknown as Connection
  const components = {
    events,
    connectionManager: { getConnections: () => [connection] },
    registrar: { getTopologies: () => [{ onConnect: () => seen.opened++ }] },
    pubsub: {
      protocols: ['/gossip'],
      opts: { scoreThresholds: { graylistThreshold: -80 } },
      streamsOutbound: outbound,
      streamsInbound: inbound,
      getScore: (who: string) => {
        if (who === id) seen.looks++
        else seen.others++
        return seen.score
      },
    },
  } as unknown as WatchComponents
  const watch = new GossipWatch(
    components,
    { onFlooder: (flooder) => seen.flooders.push(flooder), isErrand: () => seen.isErrand },
    silent,
    INTERVAL,
  )
  watch.start()
  const detail = { peerId: peer, protocols: ['/gossip'] } as unknown as IdentifyResult
  events.safeDispatchEvent('peer:identify', { detail })
  return { watch, events, outbound, inbound, seen }
}

test('leaves a peer alone whose streams are there', async () => {
  const { watch, seen } = setup()
  await waitFor(() => seen.looks > 30, 'many looks')
  watch.stop()
  assert.equal([seen.opened, seen.cut, seen.flooders], [0, 0, []])
})

test('leaves a peer alone that was only asked something', async () => {
  const { watch, outbound, inbound, seen } = setup()
  seen.isErrand = true
  outbound.clear()
  inbound.clear()
  await waitFor(() => seen.looks > 30, 'many looks')
  assert.equal([seen.opened, seen.cut], [0, 0])
  seen.isErrand = false
  await waitFor(() => seen.opened > 0, 'a stream')
  watch.stop()
})

test('opens a gossip stream again that is gone while the connection lives', async () => {
  const { watch, outbound, seen } = setup()
  outbound.clear()
  await waitFor(() => seen.opened > 0, 'a new stream')
  watch.stop()
  assert.is(seen.cut, 0)
})

test('cuts a peer that opens no stream of its own for long, broken ones being none', async () => {
  const { watch, inbound, seen } = setup()
  inbound.set(id, { rawStream: { status: 'aborted' } })
  await waitFor(() => seen.cut > 0, 'the cut')
  watch.stop()
  assert.ok(seen.looks >= 20)
})

test('tells of a peer whose score is below the gray line', async () => {
  const { watch, seen } = setup()
  seen.score = -81
  await waitFor(() => seen.flooders.length > 0, 'the flooder')
  watch.stop()
  assert.is(seen.flooders[0], id)
})

test('forgets a peer that is gone', async () => {
  const { watch, events, seen } = setup()
  await waitFor(() => seen.looks > 0, 'a look')
  events.safeDispatchEvent('peer:disconnect', { detail: peer })
  const detail = { peerId: other, protocols: ['/gossip'] } as unknown as IdentifyResult
  events.safeDispatchEvent('peer:identify', { detail })
  const { looks } = seen
  await waitFor(() => seen.others > 2, 'looks at another peer')
  watch.stop()
  assert.is(seen.looks, looks)
})

test.run()
