/**
 * Why one is not connected, layer by layer: from what the peer, its rooms and its disk know of themselves, a list of checks. Each
 * that fails says what to do.
 */
import type { RoomFacts } from './chat/types.ts'
import type { Diagnosis } from './node/index.ts'

export interface Check {
  /** The layer: one word or two, the same in every version. */
  name: string
  ok: boolean
  /** What was found, in one line. */
  detail: string
  /** What to do, where it is not ok. */
  fix?: string
}

export interface Facts {
  /** undefined: not on the network. */
  network: Diagnosis | undefined
  offline: boolean
  rooms: RoomFacts[]
  /** Free bytes where the store is, where that can be known; `problem`: it takes no writes. */
  disk: { free?: number; problem?: string } | undefined
}

const MIN_FREE = 64 * 1024 * 1024
const MAX_SKEW = 2 * 60_000
const MINUTE = 60_000

const ok = (name: string, detail: string): Check => ({ name, ok: true, detail })
const broken = (name: string, detail: string, fix: string): Check => ({ name, ok: false, detail, fix })

/** The checks, from the ground up: what fails first is usually what is wrong. */
export function diagnose({ network, offline, rooms, disk }: Facts): Check[] {
  const checks = disk === undefined ? [] : [diskCheck(disk)]
  if (network === undefined) return [...checks, broken('network', 'this peer is not on the network', 'start it: p2pnode start')]
  checks.push(listening(network))
  checks.push(...lan(network))
  checks.push(...network.dialled.map((dial) => dialled(dial)))
  if (offline) checks.push(ok('offline', 'nothing beyond this network is contacted, as --offline says'))
  checks.push(...network.relays.flatMap((relay) => relayChecks(relay, network.namespaces)))
  if (network.dht !== undefined) checks.push(dhtCheck(network.dht))
  if (network.portMapping !== undefined) checks.push(portMapping(network.portMapping))
  checks.push(clock(rooms))
  checks.push(...rooms.flatMap((room) => roomChecks(room, network)))
  return checks
}

function diskCheck({ free, problem }: NonNullable<Facts['disk']>): Check {
  if (problem !== undefined)
    return broken(
      'disk',
      `the store takes no writes: ${problem}`,
      'make room on the disk, or look at its permissions, and start again',
    )
  if (free === undefined) return ok('disk', 'the store takes writes')
  const megabytes = `${Math.floor(free / 1e6)} MB free`
  return free < MIN_FREE
    ? broken('disk', `only ${megabytes}`, 'make room on the disk: without it nothing can be sent or received')
    : ok('disk', megabytes)
}

function listening({ listening, relays }: Diagnosis): Check {
  const own = listening.filter((address) => !address.includes('/p2p-circuit'))
  const outside = own.filter((address) => !/^\/(ip4\/127\.|ip6\/::1\/)/.test(address))
  if (outside.length > 0)
    return ok('listening', `on ${outside.length} address${outside.length === 1 ? '' : 'es'}, such as ${outside[0]}`)
  if (own.length > 0)
    return broken('listening', 'only this machine can reach this peer', 'connect to a network, or leave out --listen')
  if (relays.some(({ reserved }) => reserved)) return ok('listening', 'on no address of its own, but through a relay')
  return broken(
    'listening',
    'nobody can reach this peer: it listens nowhere',
    'connect to a network, leave out --listen, or give --relay',
  )
}

function lan({ lan, connections }: Diagnosis): Check[] {
  if (lan === undefined) return [ok('lan', 'not looked for peers on this network, as --no-mdns says')]
  const { interfaces, problems, hearsItself, heard } = lan
  if (interfaces.length === 0)
    return [broken('lan', 'there is no network besides this machine itself', 'connect to a Wi-Fi or a cable')]
  if (problems.length > 0)
    return [broken('lan', problems.join('; '), 'let this program use UDP port 5353 (multicast DNS), or use --connect or --relay')]
  if (!hearsItself) {
    const fix = 'let UDP port 5353 (multicast DNS) through the firewall of this machine, or use --connect or --relay'
    return [broken('lan', `what is asked on ${interfaces.join(', ')} does not come back to this machine`, fix)]
  }
  const asked = ok('lan', `asking on ${interfaces.join(', ')}`)
  if (heard > 0 || connections > 0) return [asked, ok('lan answers', `${heard} peers answer`)]
  const fix =
    'start p2pnode on another device of this network; some networks keep their devices apart: then use --connect or --relay'
  return [asked, broken('lan answers', 'nobody on this network answers', fix)]
}

function dialled({ address, connected, problem }: Diagnosis['dialled'][number]): Check {
  if (connected) return ok('dialled', `connected to ${address}`)
  return broken('dialled', `${address}: ${problem ?? 'no answer yet'}`, fixFor(problem, 'the other peer'))
}

function relayChecks({ address, connected, reserved, registered, problem }: Diagnosis['relays'][number], rooms: number): Check[] {
  if (!connected) return [broken('relay', `${address}: ${problem ?? 'no answer yet'}`, fixFor(problem, 'the relay'))]
  const reachable = ok('relay', `connected to ${address}`)
  if (reserved) {
    const reservation = ok('reservation', `others reach this peer through ${address}`)
    if (rooms === 0) return [reachable, reservation]
    const detail = `registered there in ${registered} of ${rooms} room${rooms === 1 ? '' : 's'}`
    const fix = 'wait some seconds; if it stays so, the relay refuses: use another one besides (--relay can be given twice)'
    return [reachable, reservation, registered >= rooms ? ok('rendezvous', detail) : broken('rendezvous', detail, fix)]
  }
  const fix = 'use another relay, or ask whoever runs it; it is tried again by itself'
  return [reachable, broken('reservation', `${address} gives no place: ${problem ?? 'no answer yet'}`, fix)]
}

/** Nothing is wrong where nobody serves: it is a way to others besides. */
function dhtCheck({ mode, contacts }: NonNullable<Diagnosis['dht']>): Check {
  const known = contacts === 0 ? 'nobody who is connected serves there' : `${contacts} server${contacts === 1 ? '' : 's'} known`
  return ok('dht', mode === 'server' ? `${known}, and this peer is one` : known)
}

/** Nothing is wrong where a router gives none: a relay is another way. */
function portMapping({ external, by, problem }: NonNullable<Diagnosis['portMapping']>): Check {
  if (external !== undefined) return ok('port mapping', `the router passes what comes to ${external} on to this peer (${by})`)
  return ok('port mapping', `none: ${problem ?? 'the router has not answered yet'}`)
}

function fixFor(problem: string | undefined, whose: string): string {
  if (problem?.includes('another peer answers') === true)
    return `${whose} has another key now, or somebody else has its address: ask for the new address (what follows /p2p/) and use that`
  if (problem?.includes('refused') === true) return `${whose} does not run, or listens on another port: look there`
  if (problem?.includes('no route') === true) return 'look at the network of this machine: it cannot reach that address at all'
  return `look whether ${whose} runs, whether the address is right, and whether a firewall is between; it is tried again by itself`
}

function clock(rooms: RoomFacts[]): Check {
  const known = rooms.flatMap(({ skew }) => skew ?? []).sort((a, b) => b.of - a.of)[0]
  if (known === undefined) return ok('clock', 'nothing to compare it with yet')
  const { ahead, of } = known
  if (Math.abs(ahead) <= MAX_SKEW) return ok('clock', `agrees with ${of === 1 ? 'one other' : `${of} others`}`)
  const minutes = Math.round(Math.abs(ahead) / MINUTE)
  const detail = `this device's clock is ${minutes} minutes ${ahead > 0 ? 'behind' : 'ahead of'} that of ${of === 1 ? 'the other' : `most of ${of} others`}`
  return broken('clock', detail, 'set the clock, and let the system keep it (NTP); nothing is lost meanwhile')
}

function roomChecks({ name, topic, mates, syncedAgo, syncProblem }: RoomFacts, { topics, connections }: Diagnosis): Check[] {
  if (mates === 0) {
    const fix =
      connections === 0
        ? 'mend what is above first: no peer is connected at all'
        : 'look whether the others are in the same room: its name, for a locked room its passphrase, and the check word must be the same'
    return [broken('room mates', `${name}: nobody else of this room is connected`, fix)]
  }
  const found = ok('room mates', `${name}: ${mates} connected`)
  const mesh = topics.get(topic) ?? 0
  const pushed =
    mesh > 0
      ? ok('mesh', `${name}: messages are exchanged with ${mesh} of them as they are written`)
      : broken('mesh', `${name}: messages are not pushed yet`, 'wait some seconds; they come by sync meanwhile')
  return [found, pushed, synced(name, syncedAgo, syncProblem)]
}

function synced(name: string, ago: number | undefined, problem: string | undefined): Check {
  if (problem !== undefined)
    return broken(
      'sync',
      `${name}: the last sync broke: ${problem}`,
      'it is tried again by itself; if it goes on, look at the log (--log-level info)',
    )
  if (ago === undefined) return broken('sync', `${name}: no sync was completed yet`, 'wait some seconds')
  return ok('sync', `${name}: completed ${ago < MINUTE ? `${Math.round(ago / 1000)} s` : `${Math.round(ago / MINUTE)} min`} ago`)
}
