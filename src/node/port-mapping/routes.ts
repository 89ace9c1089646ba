import { createSocket } from 'node:dgram'
import { open } from 'node:fs/promises'
import { isIPv4 } from 'node:net'
import { networkInterfaces } from 'node:os'
import { MAX_ROUTE_TABLE, MAX_ROUTES } from './constants.ts'
import type { Route } from './index.ts'

/** Linux; a service that may not see all of /proc sees this. */
const TABLE = '/proc/self/net/route'
/** RTF_UP and RTF_GATEWAY of <linux/route.h>. */
const THROUGH_GATEWAY = 0x3

/** Routers on the ways out of this network, the likeliest first. Sends nothing. */
export async function systemRoutes(): Promise<Route[]> {
  const gateways = (await readTable()) ?? likelyGateways()
  const routes = await Promise.all(gateways.slice(0, MAX_ROUTES).map(routeTo))
  return routes.filter((route) => route !== undefined)
}

/** undefined where there is none. */
async function readTable(): Promise<string[] | undefined> {
  const file = await open(TABLE).catch(() => undefined)
  if (file === undefined) return undefined
  try {
    const { buffer, bytesRead } = await file.read({ buffer: new Uint8Array(MAX_ROUTE_TABLE) })
    return defaultGateways(new TextDecoder('latin1').decode(buffer.subarray(0, bytesRead)))
  } finally {
    await file.close()
  }
}

/**
 * The gateways of the default routes, the preferred first.
 *
 * @param table - /proc/self/net/route: addresses in hexadecimal, as little-endian machines write them
 */
export function defaultGateways(table: string): string[] {
  const routes: { gateway: string; metric: number }[] = []
  for (const line of table.split('\n').slice(1)) {
    const [, destination, gateway, flags = '', , , metric, mask] = line.split('\t')
    if (destination !== '00000000' || mask !== '00000000' || gateway === undefined || !/^[0-9A-F]{8}$/.test(gateway)) continue
    if ((Number.parseInt(flags, 16) & THROUGH_GATEWAY) !== THROUGH_GATEWAY) continue
    const octets = gateway.match(/../g) ?? []
    routes.push({
      gateway: octets
        .reverse()
        .map((octet) => Number.parseInt(octet, 16))
        .join('.'),
      metric: Number(metric),
    })
  }
  return [...new Set(routes.sort((a, b) => a.metric - b.metric).map(({ gateway }) => gateway))]
}

/** Where the system tells no routes: the first and the last address of each network, one of which a router at home has. */
function likelyGateways(): string[] {
  const cidrs = Object.values(networkInterfaces()).flatMap((entries = []) =>
    entries.filter(({ internal, family }) => !internal && family === 'IPv4').map(({ cidr }) => cidr),
  )
  return cidrs.flatMap((cidr) => (cidr === null ? [] : endsOf(cidr)))
}

/** The first and the last address of an IPv4 network that a machine can have. */
export function endsOf(cidr: string): string[] {
  const [address = '', length] = cidr.split('/')
  const bits = 32 - Number(length)
  if (!isIPv4(address) || !(bits >= 2 && bits <= 24)) return []
  const number = address.split('.').reduce((sum, octet) => sum * 256 + Number(octet), 0)
  const first = Math.floor(number / 2 ** bits) * 2 ** bits
  return [first + 1, first + 2 ** bits - 2].map((each) => [24, 16, 8, 0].map((shift) => (each >>> shift) & 255).join('.'))
}

/** To connect a socket for datagrams sends nothing, and says from which address it would be sent. */
async function routeTo(gateway: string): Promise<Route | undefined> {
  const socket = createSocket('udp4')
  try {
    await new Promise<void>((resolve, reject) => {
      socket.once('error', reject)
      socket.connect(9, gateway, resolve)
    })
    const { address } = socket.address()
    return address === gateway ? undefined : { gateway, local: address }
  } catch {
    return undefined // no way there
  } finally {
    socket.close()
  }
}
