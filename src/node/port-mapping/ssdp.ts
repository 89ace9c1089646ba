import { createSocket } from 'node:dgram'
import { MAX_SEARCH_ANSWER, MAX_SEARCH_ANSWERS, SEARCH_REPEAT, SEARCH_TIMEOUT } from './constants.ts'
import type { Caller } from './http.ts'
import type { Endpoint } from './index.ts'

/** UPnP Device Architecture 2.0, section 1.3: a multicast group, and the same port of the router itself. */
export const SSDP_GROUP: Endpoint = { address: '239.255.255.250', port: 1900 }
const KINDS = ['urn:schemas-upnp-org:device:InternetGatewayDevice:1', 'urn:schemas-upnp-org:device:InternetGatewayDevice:2']
/** Not further than the next router. */
const HOPS = 1

/**
 * Where a router describes itself.
 *
 * @param at - where the question is sent
 * @throws Error when it does not answer
 */
export async function searchGateway(
  gateway: string,
  at: readonly Endpoint[],
  { local, clock }: Caller,
  signal: AbortSignal,
): Promise<URL> {
  signal.throwIfAborted()
  const { promise, resolve, reject } = Promise.withResolvers<URL>()
  const socket = createSocket('udp4')
  let answers = 0
  socket.on('error', reject)
  socket.on('message', (bytes, { address }) => {
    if (address !== gateway) return
    const location = ++answers > MAX_SEARCH_ANSWERS ? undefined : readLocation(bytes.subarray(0, MAX_SEARCH_ANSWER), gateway)
    if (location !== undefined) resolve(location)
  })
  const send = (): void => {
    for (const { address, port } of at) {
      // What cannot be sent is as good as not answered.
      for (const kind of KINDS) socket.send(question(kind), port, address, () => undefined)
    }
  }
  socket.bind({ address: local, port: 0 }, () => {
    try {
      socket.setMulticastInterface(local)
      socket.setMulticastTTL(HOPS)
      send()
    } catch (error) {
      reject(error)
    }
  })
  const again = clock.setTimeout(send, SEARCH_REPEAT)
  const end = clock.setTimeout(() => reject(new Error('the router does not answer UPnP')), SEARCH_TIMEOUT)
  const onAbort = (): void => reject(signal.reason)
  signal.addEventListener('abort', onAbort, { once: true })
  try {
    return await promise
  } finally {
    again()
    end()
    signal.removeEventListener('abort', onAbort)
    socket.close()
  }
}

/** Section 1.3.2. MX: answer within a second. */
function question(kind: string): string {
  const { address, port } = SSDP_GROUP
  return `M-SEARCH * HTTP/1.1\r\nHOST: ${address}:${port}\r\nMAN: "ssdp:discover"\r\nMX: 1\r\nST: ${kind}\r\n\r\n`
}

/** The location in an answer (section 1.3.3) of a router, if it is one, and leads to the router itself. */
export function readLocation(answer: Uint8Array, gateway: string): URL | undefined {
  const lines = new TextDecoder('latin1').decode(answer).split(/\r?\n/)
  if (!/^HTTP\/1\.[01] 200\b/.test(lines[0] ?? '')) return undefined
  const header = (name: string): string | undefined =>
    lines
      .find((line) => line.toLowerCase().startsWith(`${name}:`))
      ?.slice(name.length + 1)
      .trim()
  if (!KINDS.includes(header('st') ?? '')) return undefined
  return ofGateway(header('location') ?? '', gateway)
}

/** The URL, if it is one of the router's own: a device of the LAN must not send us elsewhere. */
export function ofGateway(text: string, gateway: string, base?: URL): URL | undefined {
  if (!URL.canParse(text, base?.href)) return undefined
  const url = new URL(text, base)
  const isOwn = url.protocol === 'http:' && url.hostname === gateway && url.username === '' && url.password === ''
  return isOwn ? url : undefined
}
