import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { componentLogger, createLog } from '../../src/cli/log.ts'
import type { Level } from '../../src/cli/options.ts'

const test = suite('cli/log')

interface Entry {
  level: number
  component?: string
  msg: string
  err?: string
}

function record(level: Level): { log: ReturnType<typeof createLog>; entries: Entry[] } {
  const entries: Entry[] = []
  const log = createLog({ level, stream: { write: (line) => void entries.push(JSON.parse(line)) } })
  return { log, entries }
}

test('everyday life of a peer is not shown unless it is asked for', () => {
  for (const [level, count] of [
    ['silent', 0],
    ['error', 0],
    ['warn', 0],
    ['info', 1],
    ['debug', 2],
    ['trace', 3],
  ] as const) {
    const { log, entries } = record(level)
    const component = componentLogger(log).forComponent('libp2p:dialer')
    component.error('dial failed')
    component('dialling')
    component.trace('detail')
    assert.is(entries.length, count, level)
    assert.is(component.enabled, count >= 2, level)
  }
})

test('scopes are told by name', () => {
  const { log, entries } = record('debug')
  componentLogger(log).forComponent('libp2p').newScope('tcp')('hello')
  assert.is(entries[0]?.component, 'libp2p:tcp')
})

test("fills in what libp2p's own letters stand for", () => {
  const { log, entries } = record('trace')
  const component = componentLogger(log).forComponent('c')
  component('peer %p at %a took %d ms', { toString: () => '12D3' }, { toString: () => '/ip4/1.2.3.4' }, 5)
  component.error('it broke - %e', new TypeError('why'))
  component.error(new RangeError('alone'))
  assert.equal(
    entries.map(({ msg }) => msg),
    ['peer 12D3 at /ip4/1.2.3.4 took 5 ms', 'it broke - TypeError: why', 'RangeError: alone'],
  )
})

test('what libp2p calls an error names people, and is logged at debug where they are not to be named', () => {
  for (const [level, count] of [
    ['info', 0],
    ['debug', 2],
  ] as const) {
    const { log, entries } = record(level)
    const component = componentLogger(log, 'debug').forComponent('libp2p:dialer')
    component.error('dial failed')
    component.newScope('tcp').error('dial failed')
    assert.is(entries.length, count, level)
  }
})

test('an error of a nameless log says what happened and not to whom', () => {
  const entries: Entry[] = []
  const log = createLog({ level: 'error', nameless: true, stream: { write: (line) => void entries.push(JSON.parse(line)) } })
  const said = (message: string): string | undefined => {
    log.error({ err: new Error(message) }, 'a defect')
    return entries.at(-1)?.err
  }
  const id = '12D3KooWA1bysjrTACSWqf6q172inxvwKHUxAnBtVgaVDKMxpZtx'
  assert.is(said(`no way to /ip4/203.0.113.7/tcp/4747/p2p/${id}`), 'Error: no way to /ip4/(an address)/tcp/4747/p2p/(a peer)')
  assert.is(said('connect ECONNREFUSED 203.0.113.7:4747.'), 'Error: connect ECONNREFUSED (an address).')
  assert.is(
    said('connect to 2001:db8::7, fe80::1%eth0 or [::1]:80'),
    'Error: connect to (an address), (an address)%eth0 or [(an address)]:80',
  )
  assert.is(said('mapped ::ffff:203.0.113.7'), 'Error: mapped (an address)')
  assert.is(said('QmYyQSo1c1Ym7orWxLYvCrM2EmxFTANf8wXmmE7DWjhx5N left'), 'Error: (a peer) left')
  assert.is(said('version 1.2.3: add at 12:30, cafe: bad'), 'Error: version 1.2.3: add at 12:30, cafe: bad')
})

test('an error is its name and message, never a stack', () => {
  const { log, entries } = record('error')
  log.error({ err: new TypeError('why') }, 'a defect')
  assert.is(entries[0]?.err, 'TypeError: why')
  assert.not.match(JSON.stringify(entries), /\bat /)
})

test.run()
