import { type Clock, systemClock } from '../clock.ts'
import { FIRST_RANDOM_PORT, LAST_PORT, LIFETIME, MAX_PORT_TRIES, MAX_SERVICES } from './constants.ts'
import { checkExternal } from './external.ts'
import { ask, type Caller } from './http.ts'
import type { Endpoint, Grant, Wish } from './index.ts'
import { ofGateway, SSDP_GROUP, searchGateway } from './ssdp.ts'
import { readXml } from './xml.ts'

/** Which both versions of the standard have; DSL routers have the second. */
const SERVICE = /^urn:schemas-upnp-org:service:WAN(?:IP|PPP)Connection:[12]$/
/** WANIPConnection:1 section 2.4.16: errors of AddPortMapping. */
const CONFLICT = '718'
const ONLY_PERMANENT = '725'
/** What people read in their router. */
const DESCRIPTION = 'p2pnode'

export interface UpnpInit {
  /** Where the router is asked for, in addition to port 1900 of itself. @default the SSDP multicast group */
  at?: Endpoint[]
  clock?: Clock
}

/** What can be called at a router: its type, and where. */
interface Service {
  type: string
  url: URL
}

/** A call that the router refused. */
class RefusedError extends Error {
  readonly code: string
  constructor(action: string, code: string) {
    super(`the router refuses ${action} (${code})`)
    this.code = code
  }
}

/** Asks a router by UPnP: Internet Gateway Device 1 and 2. */
export class Upnp {
  readonly #at: Endpoint[]
  readonly #clock: Clock

  constructor({ at = [SSDP_GROUP], clock = systemClock }: UpnpInit = {}) {
    this.#at = at
    this.#clock = clock
  }

  /** @throws Error why nothing was given */
  async map(wish: Wish, signal: AbortSignal): Promise<Grant> {
    const { gateway, internal } = wish
    const caller = { local: internal.address, clock: this.#clock }
    const at = [...this.#at, { address: gateway, port: SSDP_GROUP.port }]
    const location = await searchGateway(gateway, at, caller, signal)
    const { body } = await ask(location, { method: 'GET' }, caller, signal)
    const services = servicesIn(body, location, gateway)
    const failures: unknown[] = []
    for (const service of services) {
      try {
        return await mapAt(service, wish, caller, signal)
      } catch (error) {
        failures.push(error)
      }
    }
    throw failures[0] ?? new Error('the router has nothing that maps ports')
  }
}

/** @throws Error when it is no XML */
export function servicesIn(description: string, location: URL, gateway: string): Service[] {
  const [base] = readXml(description, 'root').flatMap((root) => root.get('urlbase') ?? [])
  const from = (base === undefined ? undefined : ofGateway(base, gateway)) ?? location
  const services = readXml(description, 'service').flatMap((service) => {
    const [type = '', control = ''] = [service.get('servicetype'), service.get('controlurl')]
    const url = control === '' ? undefined : ofGateway(control, gateway, from)
    return url !== undefined && SERVICE.test(type) ? [{ type, url }] : []
  })
  return services.slice(0, MAX_SERVICES)
}

async function mapAt(service: Service, wish: Wish, caller: Caller, signal: AbortSignal): Promise<Grant> {
  const { internal } = wish
  const call: Call = (action, values, signal) => callAction(service, action, values, caller, signal)
  const address = (await call('GetExternalIPAddress', {}, signal)).get('newexternalipaddress') ?? ''
  checkExternal(address, wish.wanted)
  const { port, lifetime } = await addMapping(call, wish, signal)
  return {
    by: 'UPnP',
    internal,
    external: checkExternal(address, port),
    lifetime,
    renew: (signal) => mapAt(service, { ...wish, wanted: port }, caller, signal),
    release: async (signal) => {
      await call('DeletePortMapping', { NewRemoteHost: '', NewExternalPort: port, NewProtocol: 'TCP' }, signal)
    },
  }
}

type Values = Record<string, string | number>
type Call = (action: string, values: Values, signal: AbortSignal) => Promise<ReadonlyMap<string, string>>

/** Another port where the first is somebody else's; for good where the router knows no other. */
async function addMapping(
  call: Call,
  { internal, wanted }: Wish,
  signal: AbortSignal,
): Promise<{ port: number; lifetime: number }> {
  let [port, lifetime] = [wanted, LIFETIME]
  for (let tries = 1; ; tries++) {
    try {
      await call('AddPortMapping', mappingOf(internal, port, lifetime), signal)
      return { port, lifetime }
    } catch (error) {
      const code = error instanceof RefusedError ? error.code : undefined
      if (tries === MAX_PORT_TRIES || (code !== CONFLICT && !(code === ONLY_PERMANENT && lifetime !== 0))) throw error
      if (code === CONFLICT) port = FIRST_RANDOM_PORT + Math.floor(Math.random() * (LAST_PORT - FIRST_RANDOM_PORT + 1))
      else lifetime = 0
    }
  }
}

/** WANIPConnection:1 section 2.4.16. */
const mappingOf = (internal: Endpoint, port: number, lifetime: number): Values => ({
  NewRemoteHost: '',
  NewExternalPort: port,
  NewProtocol: 'TCP',
  NewInternalPort: internal.port,
  NewInternalClient: internal.address,
  NewEnabled: 1,
  NewPortMappingDescription: DESCRIPTION,
  NewLeaseDuration: lifetime,
})

/**
 * UPnP Device Architecture 2.0, section 3.2. The values are numbers, addresses of ours and names: nothing that XML must escape.
 *
 * @throws RefusedError with the router's own code
 */
async function callAction(
  { type, url }: Service,
  action: string,
  values: Values,
  caller: Caller,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, string>> {
  const inner = Object.entries(values).map(([name, value]) => `<${name}>${value}</${name}>`)
  const body =
    '<?xml version="1.0"?>\r\n<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" ' +
    's:encodingStyle="http://schemas.xmlsoap.org/soap/encoding/"><s:Body>' +
    `<u:${action} xmlns:u="${type}">${inner.join('')}</u:${action}></s:Body></s:Envelope>\r\n`
  const headers = { 'content-type': 'text/xml; charset="utf-8"', soapaction: `"${type}#${action}"` }
  const answer = await ask(url, { method: 'POST', headers, body }, caller, signal)
  const [texts = new Map<string, string>()] = readXml(answer.body, 'body')
  if (answer.status !== 200) throw new RefusedError(action, texts.get('errorcode')?.slice(0, 8) ?? String(answer.status))
  return texts
}
