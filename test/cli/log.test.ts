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

test('an error is its name and message, never a stack', () => {
  const { log, entries } = record('error')
  log.error({ err: new TypeError('why') }, 'a defect')
  assert.is(entries[0]?.err, 'TypeError: why')
  assert.not.match(JSON.stringify(entries), /\bat /)
})

test.run()
