/**
 * What a relay needs for many guests: as many real peers as asked for, each from an address of its own, with a reservation and a
 * registration; either each in a room where it is alone, or in rooms of ten, whose members then connect through the relay.
 */
import type { Peer } from '../../src/node/index.ts'
import { sleep } from '../room.ts'
import { guest, inDirectory, MB, MeasuredRelay, until } from './relay.ts'

const STEP = 250
const ROOM_SIZE = 10
/** Peers that are being started at once. */
const WIDTH = 20
/** Until all who share a room have met, and for how long they are watched then, in milliseconds. */
const SETTLE = 90_000
const IDLE = 60_000

export const alone = (count: number): Promise<void> => measure(count, 1)

export const inRooms = (count: number): Promise<void> => measure(count, ROOM_SIZE)

async function measure(count: number, roomSize: number): Promise<void> {
  await inDirectory(async (directory) => {
    const relay = await MeasuredRelay.start(directory)
    const peers: Peer[] = []
    try {
      await fill(relay, peers, count, roomSize)
      await sleep(SETTLE)
      const before = relay.usage()
      await sleep(IDLE)
      const idle = relay.usage()
      const percent = (100 * (idle.cpu - before.cpu)) / (IDLE / 1000)
      const { connections, circuits, carried, dht, omitted = {} } = await relay.status()
      console.log(
        `\nat rest: ${percent.toFixed(1)} % of a core, RSS ${(idle.rss / MB).toFixed(0)} MB, ${connections} connections, ` +
          `${circuits.length + (omitted.circuits ?? 0)} circuits (${(carried.bytes / MB).toFixed(1)} MB in all), ${dht.records.length + (omitted.records ?? 0)} in the DHT`,
      )
    } finally {
      await Promise.all(peers.map((peer) => peer.stop()))
      await relay.end()
    }
  })
}

async function fill(relay: MeasuredRelay, peers: Peer[], count: number, roomSize: number): Promise<void> {
  let before = relay.usage()
  console.log('| guests | RSS | CPU to take them in, each | reservations | registrations |\n| --- | --- | --- | --- | --- |')
  console.log(`| 0 | ${(before.rss / MB).toFixed(0)} MB | | 0 | 0 |`)
  for (let step = Math.min(STEP, count); step <= count; step += STEP) {
    while (peers.length < step) {
      const some = Array.from({ length: Math.min(WIDTH, step - peers.length) }, (_, i) =>
        enter(peers.length + i, relay, roomSize),
      )
      peers.push(...(await Promise.all(some)))
    }
    await until(() => peers.every((peer) => peer.relays()[0]?.reserved === true), 'reservations')
    await until(() => peers.every((peer) => peer.relays()[0]?.registered === 1), 'registrations')
    const { reservations, registrations, omitted } = await relay.status()
    const after = relay.usage()
    const names = registrations.length + (omitted?.registrations ?? 0)
    const each = ((1000 * (after.cpu - before.cpu)) / Math.min(STEP, count)).toFixed(1)
    console.log(`| ${step} | ${(after.rss / MB).toFixed(0)} MB | ${each} ms | ${reservations} | ${names} |`)
    before = after
  }
}

async function enter(index: number, relay: MeasuredRelay, roomSize: number): Promise<Peer> {
  const peer = await guest(index, relay.address, true)
  const room = Math.floor(index / roomSize)
  peer.meet([`p2pnode/${room.toString(16).padStart(32, '0')}`])
  await peer.start()
  return peer
}
