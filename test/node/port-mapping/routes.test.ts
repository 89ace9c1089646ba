import fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { defaultGateways, endsOf } from '../../../src/node/port-mapping/routes.ts'

const test = suite('node/port-mapping/routes')

const HEAD = 'Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT'
const table = (...lines: string[]): string => `${[HEAD, ...lines].join('\n')}\n`

test('reads the gateways of the default routes, the preferred first', () => {
  const wifi = 'wlan0\t00000000\t0100A8C0\t0003\t0\t0\t600\t00000000\t0\t0\t0'
  const wired = 'eth0\t00000000\tFE01A8C0\t0003\t0\t0\t100\t00000000\t0\t0\t0'
  const link = 'eth0\t0001A8C0\t00000000\t0001\t0\t0\t100\t00FFFFFF\t0\t0\t0'
  const half = 'tun0\t00000000\t0100000A\t0003\t0\t0\t0\t00000080\t0\t0\t0'
  const device = 'ppp0\t00000000\t00000000\t0001\t0\t0\t0\t00000000\t0\t0\t0'
  assert.equal(defaultGateways(table(wifi, wired, wired, link, half, device)), ['192.168.1.254', '192.168.0.1'])
  assert.equal(defaultGateways(table()), [])
})

test('reads whatever text there is', () => {
  fc.assert(fc.property(fc.string(), (text) => assert.ok(Array.isArray(defaultGateways(`${HEAD}\n${text}`)))))
})

test('knows the first and the last address of a network', () => {
  assert.equal(endsOf('192.168.1.77/24'), ['192.168.1.1', '192.168.1.254'])
  assert.equal(endsOf('10.200.3.4/8'), ['10.0.0.1', '10.255.255.254'])
  assert.equal(endsOf('192.168.1.77/30'), ['192.168.1.77', '192.168.1.78'])
  for (const none of ['192.168.1.77/32', '192.168.1.77/31', 'fe80::1/64', '1.2.3.4/0', 'x', '']) assert.equal(endsOf(none), [])
})

test.run()
