import '../../src/shims.node.ts'
import { multiaddr } from '@multiformats/multiaddr'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { PeerInit } from '../../src/node/index.ts'
import { lan } from '../../src/node/lan.ts'
import type { LanInterface } from '../../src/node/lan-interfaces.ts'
import { announcement, peerIn, reachableOn } from '../../src/node/lan-records.ts'
import { connected, connectionsBetween, Peers, randomSeed } from '../support/peers.ts'
import { waitFor } from '../support/wait-for.ts'

const test = suite('node/lan')
const peers = new Peers()
test.after.each(() => peers.close())

/** A service name of this test's own, so that no other peer of this machine answers. */
function seen(warnings: string[] = []): Partial<PeerInit> {
  return { mdns: true, discovery: [lan({ serviceTag, interval: 500, onWarning: (message) => warnings.push(message) })] }
}
const serviceTag = `_p2pnode-test-${process.pid}._udp.local`

const LINK: LanInterface = {
  name: 'eth0',
  address: '192.168.7.2',
  addresses: new Set(['192.168.7.2', 'fd00::2']),
  contains: (address) => address.startsWith('192.168.7.'),
}

const ID = '12D3KooWA1bysjrTACSWqf6q172inxvwKHUxAnBtVgaVDKMxpZtx'

/** Whether this machine lets a multicast packet come back at all. */
async function multicastWorks(): Promise<boolean> {
  const warnings: string[] = []
  const [a, b] = [await peers.start(seen(warnings)), await peers.start(seen(warnings))]
  try {
    await connected(a, b, 8_000)
    return true
  } catch {
    console.log(`skipped: no multicast on this machine (${warnings.join('; ') || 'nothing comes back'})`)
    return false
  } finally {
    await peers.close()
  }
}
const works = await multicastWorks()

if (works) {
  test('two peers on one machine find each other with nothing but loopback, and keep one connection', async () => {
    const [a, b] = [await peers.start(seen()), await peers.start(seen())]
    await connected(a, b)
    await waitFor(() => connectionsBetween(a, b) === 1 && connectionsBetween(b, a) === 1, 'one connection')
  })

  test('a peer that comes back under another port is found again', async () => {
    const seed = randomSeed()
    const a = await peers.start(seen())
    const b = await peers.start({ seed, ...seen() })
    await connected(a, b)
    await b.stop()
    await waitFor(() => a.peers().length === 0, 'the loss')
    await connected(a, await peers.start({ seed, ...seen() }))
  })

  test('peers of another service are not found', async () => {
    const a = await peers.start(seen())
    const b = await peers.start({ mdns: true, discovery: [lan({ serviceTag: `_other-${serviceTag}`, interval: 500 })] })
    const c = await peers.start(seen())
    await connected(a, c)
    assert.is(connectionsBetween(a, b), 0)
  })
}

test('opens a multicast socket only if it is wanted', async () => {
  const sockets = () => process.getActiveResourcesInfo().filter((name) => name === 'UDPWrap').length
  const found = await peers.start(seen())
  await waitFor(() => sockets() === 1, 'the socket')
  await found.stop()
  await waitFor(() => sockets() === 0, 'its end')
  await peers.start({ mdns: false })
  assert.is(sockets(), 0)
})

test('tells on a link only the addresses of that link', async () => {
  const peer = await peers.create()
  const all = ['/ip4/192.168.7.2/tcp/1', '/ip4/10.1.1.1/tcp/1', '/ip4/127.0.0.1/tcp/1', '/ip6/fd00::2/tcp/1', '/memory/x']
  const records = announcement(
    LINK,
    serviceTag,
    'name',
    peer.libp2p.peerId,
    all.map((address) => multiaddr(address)),
  )
  assert.equal(peerIn(records, serviceTag)?.multiaddrs.map(String), ['/ip4/192.168.7.2/tcp/1', '/ip6/fd00::2/tcp/1'])
  assert.equal(announcement(LINK, serviceTag, 'name', peer.libp2p.peerId, [multiaddr('/ip4/10.1.1.1/tcp/1')]), [])
})

test('takes from a neighbour only addresses on the link, the one it speaks from first', () => {
  const claimed = [
    '/ip4/192.168.7.9/tcp/1',
    '/ip4/192.168.7.5/tcp/1',
    '/ip4/10.0.0.1/tcp/22',
    '/ip4/8.8.8.8/tcp/53',
    '/dns4/example.com/tcp/1',
  ]
  const usable = reachableOn(
    LINK,
    '192.168.7.5',
    claimed.map((address) => multiaddr(address)),
  )
  assert.equal(usable.map(String), ['/ip4/192.168.7.5/tcp/1', '/ip4/192.168.7.9/tcp/1'])
})

test('ignores records that are malformed, of another service, or of two peers at once', () => {
  const pointer = { name: serviceTag, type: 'PTR' as const, data: `name.${serviceTag}` }
  const txt = (data: string | Buffer | Buffer[]) => ({ name: pointer.data, type: 'TXT' as const, data })
  const good = txt(`dnsaddr=/ip4/192.168.7.9/tcp/1/p2p/${ID}`)
  assert.is(peerIn([pointer, good], serviceTag)?.id.toString(), ID)
  assert.is(peerIn([pointer, good], '_p2p._udp.local'), undefined)
  assert.is(peerIn([good], serviceTag), undefined)
  assert.is(peerIn([pointer], serviceTag), undefined)
  const other = 'QmYyQSo1c1Ym7orWxLYvCrM2EmxFTANf8wXmmE7DWjhx5N'
  for (const bad of [
    'dnsaddr=/ip4/1.2.3.4/tcp/1',
    'dnsaddr=nonsense',
    `dnsaddr=/ip4/1.2.3.4/tcp/1/p2p/${other}`,
    `dnsaddr=/p2p/${ID}/p2p-circuit/p2p/${other}`,
  ]) {
    assert.is(peerIn([pointer, good, txt([Buffer.from(bad)])], serviceTag), undefined, bad)
  }
})

test.run()
