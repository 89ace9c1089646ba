import '../../../src/shims.node.ts'
import { createSocket, type RemoteInfo, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Endpoint } from '../../../src/node/port-mapping/index.ts'

export const HERE = '127.0.0.1'
/** Where somebody elsewhere can reach a router. */
export const PUBLIC = '5.5.0.11'
export const IP_1 = 'urn:schemas-upnp-org:service:WANIPConnection:1'

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')

/** The datagrams that answer a request, which is hexadecimal, the `times`-th of all. */
export type PmpAnswer = (request: string, times: number) => (string | Uint8Array)[]

/** A router that speaks NAT-PMP as `answer` says. */
export class PmpRouter {
  /** In hexadecimal. */
  readonly requests: string[] = []
  readonly socket: Socket
  from: RemoteInfo | undefined

  private constructor(socket: Socket, answer: PmpAnswer) {
    this.socket = socket
    socket.on('message', (bytes, from) => {
      const request = hex(bytes)
      this.requests.push(request)
      this.from = from
      for (const each of answer(request, this.requests.length)) {
        socket.send(typeof each === 'string' ? Buffer.from(each, 'hex') : each, from.port, from.address)
      }
    })
  }

  static async start(answer: PmpAnswer): Promise<PmpRouter> {
    const socket = createSocket('udp4').bind(0, HERE)
    await once(socket, 'listening')
    return new PmpRouter(socket, answer)
  }

  get port(): number {
    return this.socket.address().port
  }

  stop(): void {
    this.socket.close()
  }
}

type Handler = (request: IncomingMessage, response: ServerResponse, body: string) => void

/** A router that speaks UPnP: found at `at`, described by `description`, doing what `act` says. */
export class UpnpRouter {
  readonly at: Endpoint
  /** What was called, and what was sent with it. */
  readonly calls: { action: string; body: string }[] = []
  readonly #search: Socket
  readonly #http: Server

  private constructor(search: Socket, http: Server) {
    this.at = { address: HERE, port: search.address().port }
    this.#search = search
    this.#http = http
  }

  static async start(
    /** Status and what stands in the SOAP body. */
    act: (action: string, body: string) => [status: number, body: string],
    describe: Handler = (_request, response) => response.end(description('/control')),
  ): Promise<UpnpRouter> {
    const http = createServer((request, response) => {
      let body = ''
      request.on('data', (part) => {
        body += part
      })
      request.on('end', () => {
        if (request.method === 'GET') return describe(request, response, body)
        const action = String(request.headers.soapaction).replace(/^.*#|"$/g, '')
        router.calls.push({ action, body })
        const [status, inner] = act(action, body)
        response.writeHead(status, { 'content-type': 'text/xml' })
        response.end(`<?xml version="1.0"?><s:Envelope><s:Body>${inner}</s:Body></s:Envelope>`)
      })
    }).listen(0, HERE)
    const search = createSocket('udp4').bind(0, HERE)
    await Promise.all([once(http, 'listening'), once(search, 'listening')])
    const { port } = http.address() as AddressInfo
    search.on('message', (bytes, from) => {
      const kind = /^ST: (\S+)/m.exec(bytes.toString())?.[1]
      search.send(found(`http://${HERE}:${port}/root.xml`, kind), from.port, from.address)
    })
    const router = new UpnpRouter(search, http)
    return router
  }

  stop(): void {
    this.#search.close()
    this.#http.close()
    this.#http.closeAllConnections()
  }
}

export const found = (location: string, kind = 'urn:schemas-upnp-org:device:InternetGatewayDevice:1'): string =>
  `HTTP/1.1 200 OK\r\nCACHE-CONTROL: max-age=120\r\nST: ${kind}\r\nUSN: uuid:1::${kind}\r\nEXT:\r\nLocation: ${location}\r\n\r\n`

/** As the Device Architecture has it: the service is two devices down. */
export const description = (control: string, type = IP_1): string =>
  `<?xml version="1.0"?><root xmlns="urn:schemas-upnp-org:device-1-0"><device><deviceType>urn:x</deviceType>
  <serviceList><service><serviceType>urn:schemas-upnp-org:service:Layer3Forwarding:1</serviceType><controlURL>/l3</controlURL></service></serviceList>
  <deviceList><device><deviceList><device><serviceList><service>
  <serviceType>${type}</serviceType><serviceId>urn:1</serviceId><controlURL>${control}</controlURL><eventSubURL>/e</eventSubURL><SCPDURL>/s</SCPDURL>
  </service></serviceList></device></deviceList></device></deviceList></device></root>`

export const fault = (code: number): [number, string] => [
  500,
  `<s:Fault><faultcode>s:Client</faultcode><detail><UPnPError><errorCode>${code}</errorCode></UPnPError></detail></s:Fault>`,
]

export const addressAnswer = (address: string): [number, string] => [
  200,
  `<u:GetExternalIPAddressResponse xmlns:u="${IP_1}"><NewExternalIPAddress>${address}</NewExternalIPAddress></u:GetExternalIPAddressResponse>`,
]
