import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { readLocation } from '../../../src/node/port-mapping/ssdp.ts'
import { servicesIn, Upnp } from '../../../src/node/port-mapping/upnp.ts'
import { readXml } from '../../../src/node/port-mapping/xml.ts'
import { VirtualClock } from '../../support/virtual-clock.ts'
import { waitFor } from '../../support/wait-for.ts'
import { addressAnswer, description, fault, found, HERE, IP_1, PUBLIC, UpnpRouter } from './fake-router.ts'

const test = suite('node/port-mapping/upnp')

const WISH = { gateway: HERE, internal: { address: HERE, port: 4001 }, wanted: 4001 }
const GATEWAY = '192.168.1.1'
const never = new AbortController().signal
const encode = (text: string): Uint8Array => new TextEncoder().encode(text)

type Act = Parameters<typeof UpnpRouter.start>[0]
const honest: Act = (action) => (action === 'GetExternalIPAddress' ? addressAnswer(PUBLIC) : [200, `<u:${action}Response/>`])

const routers: UpnpRouter[] = []
test.after.each(() => {
  for (const router of routers.splice(0)) router.stop()
})

async function routerThat(...does: Parameters<typeof UpnpRouter.start>): Promise<UpnpRouter> {
  const router = await UpnpRouter.start(...does)
  routers.push(router)
  return router
}

async function refusal(router: UpnpRouter, signal = never, clock = new VirtualClock()): Promise<string> {
  return await new Upnp({ at: [router.at], clock }).map(WISH, signal).then(
    () => 'granted',
    (error: Error) => error.message,
  )
}

const field = (body: string, name: string): string | undefined => new RegExp(`<${name}>(.*?)</${name}>`).exec(body)?.[1]

test('finds the router, gets a port of it, gets it again, and gives it back', async () => {
  const router = await routerThat(honest)
  const grant = await new Upnp({ at: [router.at] }).map(WISH, never)
  assert.equal([grant.external, grant.lifetime], [{ address: PUBLIC, port: 4001 }, 7_200])
  const body = router.calls[1]?.body ?? ''
  assert.match(body, `xmlns:u="${IP_1}"`)
  for (const [name, value] of [
    ['NewRemoteHost', ''],
    ['NewExternalPort', '4001'],
    ['NewProtocol', 'TCP'],
    ['NewInternalPort', '4001'],
    ['NewInternalClient', HERE],
    ['NewEnabled', '1'],
    ['NewPortMappingDescription', 'p2pnode'],
    ['NewLeaseDuration', '7200'],
  ] as const) {
    assert.is(field(body, name), value, name)
  }
  await grant.renew(never)
  await grant.release(never)
  assert.is(field(router.calls.at(-1)?.body ?? '', 'NewExternalPort'), '4001')
  assert.equal(
    router.calls.map(({ action }) => action),
    ['GetExternalIPAddress', 'AddPortMapping', 'GetExternalIPAddress', 'AddPortMapping', 'DeletePortMapping'],
  )
})

test("takes another port where one is somebody else's, and one for good where there is no other", async () => {
  const router = await routerThat((action, body) => {
    if (action !== 'AddPortMapping') return honest(action, body)
    if (field(body, 'NewExternalPort') === '4001') return fault(718)
    return field(body, 'NewLeaseDuration') === '0' ? [200, ''] : fault(725)
  })
  const { external, lifetime, renew } = await new Upnp({ at: [router.at] }).map(WISH, never)
  assert.ok(external.port >= 49_152 && external.port <= 65_535)
  assert.is(lifetime, 0)
  assert.equal((await renew(never)).external, external)
})

test('tries a few ports, and no more', async () => {
  const router = await routerThat((action, body) => (action === 'AddPortMapping' ? fault(718) : honest(action, body)))
  assert.is(await refusal(router), 'the router refuses AddPortMapping (718)')
  assert.is(router.calls.length, 1 + 4)
})

test('nothing is opened at a router that has no public address, or says none', async () => {
  for (const said of [
    '10.0.0.1',
    '100.64.0.7',
    '192.168.0.1',
    '0.0.0.0',
    '::1',
    '',
    'example.org',
    '5.5.0.11.',
    '05.5.0.11',
    '239.1.1.1',
  ]) {
    const router = await routerThat((action, body) =>
      action === 'GetExternalIPAddress' ? addressAnswer(said) : honest(action, body),
    )
    assert.match(await refusal(router), /no public address itself|no IPv4 address/, said)
    assert.equal(
      router.calls.map(({ action }) => action),
      ['GetExternalIPAddress'],
    )
  }
})

test('a refusal is told by its number, whatever comes with it', async () => {
  for (const [answer, told] of [
    [fault(606), '(606)'],
    [[501, 'no XML at all <<<'], '(501)'],
    [[500, `<errorCode>${'9'.repeat(1_000)}</errorCode>`], '(99999999)'],
  ] as [[number, string], string][]) {
    assert.is(await refusal(await routerThat(() => answer)), `the router refuses GetExternalIPAddress ${told}`)
  }
})

const endless = (_request: IncomingMessage, response: ServerResponse): void => {
  // A piece a turn, and none after its end: with `drain` Node 24 never comes to that.
  const more = (): void => {
    if (response.destroyed) return
    response.write('<a>'.repeat(10_000))
    setImmediate(more)
  }
  more()
}

test('an answer without end, of headers without end, or of another kind is left', async () => {
  for (const [describe, why] of [
    [endless, 'too much'],
    [(_request, response) => response.writeHead(200, { filler: 'x'.repeat(12_000) }).end(), /Header overflow/i],
    [(_request, response) => response.end(new Uint8Array(1_000).fill(255)), 'nothing that maps ports'],
    [(request) => request.socket.end('not HTTP\r\n\r\n'), /Parse Error/],
    [(request) => request.socket.destroy(), /hang up|reset/],
    [(_request, response) => response.end(description('http://192.0.2.1/control')), 'nothing that maps ports'],
    [(_request, response) => response.end(`${'<a>'.repeat(40)}`), 'too much'],
  ] as [NonNullable<Parameters<typeof UpnpRouter.start>[1]>, string | RegExp][]) {
    const router = await routerThat(honest, describe)
    assert.match(await refusal(router), why)
    assert.equal(router.calls, [])
  }
})

test('an answer that does not end in time is left, and one that a stop interrupts', async () => {
  let asked = 0
  const slow = (_request: IncomingMessage, response: ServerResponse): void => {
    response.write('<root>')
    asked++
  }
  const router = await routerThat(honest, slow)
  const clock = new VirtualClock()
  const late = refusal(router, never, clock)
  await waitFor(() => asked === 1, 'a question')
  await clock.pass(5_000)
  assert.not.equal(await late, 'granted')
  const stop = new AbortController()
  const stopped = refusal(router, stop.signal, clock)
  await waitFor(() => asked === 2, 'a question')
  stop.abort(new Error('stopped'))
  assert.not.equal(await stopped, 'granted')
  assert.is(clock.pending, 0)
})

test('a redirect is not followed', async () => {
  let visits = 0
  const elsewhere = createServer((_request, response) => {
    visits++
    response.end(description('/control'))
  })
  await new Promise<void>((resolve) => elsewhere.listen(0, HERE, resolve))
  const { port } = elsewhere.address() as AddressInfo
  const router = await routerThat(honest, (_request, response) =>
    response.writeHead(302, { location: `http://${HERE}:${port}/` }).end(),
  )
  assert.is(await refusal(router), 'the router has nothing that maps ports')
  assert.is(visits, 0)
  elsewhere.close()
})

test('where no router answers it is asked twice, and given up', async () => {
  const clock = new VirtualClock()
  const told = new Upnp({ at: [], clock }).map(WISH, never).catch((error: Error) => error.message)
  await waitFor(() => clock.pending === 2, 'a question')
  await clock.pass(2_500)
  assert.is(await told, 'the router does not answer UPnP')
})

test('only what leads to the router itself is a location', () => {
  const at = (answer: string): string | undefined => readLocation(encode(answer), GATEWAY)?.href
  assert.is(at(found('http://192.168.1.1:5000/root.xml')), 'http://192.168.1.1:5000/root.xml')
  for (const elsewhere of [
    'http://192.168.1.2:5000/root.xml',
    'http://192.168.1.1.example.org/',
    'http://192.168.1.1@192.168.1.2/',
    'http://user@192.168.1.1/',
    'https://192.168.1.1/',
    'file:///etc/passwd',
    'http://127.0.0.1:631/',
    '/root.xml',
    '',
  ]) {
    assert.is(at(found(elsewhere)), undefined, elsewhere)
  }
  assert.is(at(found('http://192.168.1.1/', 'urn:schemas-upnp-org:device:MediaServer:1')), undefined)
  assert.is(at(found('http://192.168.1.1/').replace('200 OK', '404 Not Found')), undefined)
  assert.is(at(`NOTIFY * HTTP/1.1\r\n${found('http://192.168.1.1/')}`), undefined)
})

test("only the router's own services are called, relative to where it says", () => {
  const location = new URL(`http://${GATEWAY}:5000/a/root.xml`)
  const urls = (text: string): string[] => servicesIn(text, location, GATEWAY).map(({ url }) => url.href)
  assert.equal(urls(description('ctl')), ['http://192.168.1.1:5000/a/ctl'])
  assert.equal(urls(description('/ctl', 'urn:schemas-upnp-org:service:WANPPPConnection:1')), ['http://192.168.1.1:5000/ctl'])
  assert.equal(urls(description('http://192.168.1.1:99/ctl')), ['http://192.168.1.1:99/ctl'])
  const based = (base: string): string => description('ctl').replace('<device>', `<URLBase>${base}</URLBase><device>`)
  assert.equal(urls(based('http://192.168.1.1:80/b/')), ['http://192.168.1.1/b/ctl'])
  assert.equal(urls(based('http://192.168.1.9:80/b/')), ['http://192.168.1.1:5000/a/ctl'])
  for (const control of ['http://192.168.1.2/ctl', '//example.org/ctl', 'https://192.168.1.1/', ''])
    assert.equal(urls(description(control)), [])
  assert.equal(urls(description('/ctl', 'urn:schemas-upnp-org:service:WANCommonInterfaceConfig:1')), [])
  assert.is(urls(`<root>${description('/ctl').repeat(100)}</root>`).length, 4)
})

test('nothing that XML declares is expanded, and what is too large is refused', () => {
  const bomb = `<!DOCTYPE a [<!ENTITY b "${'x'.repeat(1_000)}"><!ENTITY c SYSTEM "file:///etc/passwd">]><a><b>&b;&b;&c;&amp;</b></a>`
  assert.is(readXml(bomb, 'a')[0]?.get('b'), '&b;&b;&c;&')
  assert.throws(() => readXml('<a>'.repeat(33), 'a'), 'too much')
  assert.throws(() => readXml(`<a>${'<b/>'.repeat(5_000)}</a>`, 'a'), 'too much')
})

test('whatever text comes: services, or an error', () => {
  const part = fc.oneof(
    fc.constantFrom('<service>', '</service>', '<serviceType>', '</serviceType>', IP_1, '<controlURL>/c', '</controlURL>', '<![CDATA[', '<!DOCTYPE', '<?', '&#x110000;', '"', "='"), // biome-ignore format: a list
    fc.string({ maxLength: 8 }),
  )
  fc.assert(
    fc.property(fc.array(part, { maxLength: 30 }), (parts) => {
      const text = parts.join('')
      readLocation(encode(found(text)), GATEWAY)
      try {
        for (const { url } of servicesIn(text, new URL(`http://${GATEWAY}/`), GATEWAY)) assert.is(url.hostname, GATEWAY)
      } catch (error) {
        assert.match((error as Error).message, /^the router answers with/)
      }
    }),
  )
})

test.run()
