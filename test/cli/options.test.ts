import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { allOptions, envName, parseCount, resolveOptions } from '../../src/cli/options.ts'
import { UsageError } from '../../src/view/explain.ts'

const test = suite('cli/options')

const none = { flags: {}, env: {} }

function refused(work: () => unknown, message: RegExp): void {
  assert.throws(work, (error: Error) => error instanceof UsageError && message.test(error.message), String(message))
}

test('a flag is stronger than the environment, that than config.json, and nothing is set without any', () => {
  const config = { port: 3 }
  const env = { P2PNODE_PORT: '2' }
  assert.is(resolveOptions({ flags: { port: '1' }, env, config }).port, 1)
  assert.is(resolveOptions({ flags: {}, env, config }).port, 2)
  assert.is(resolveOptions({ flags: {}, env: {}, config }).port, 3)
  assert.is(resolveOptions(none).port, undefined)
})

test('every option has the same three sources', () => {
  const values = {
    text: ['a', 'a', 'a'],
    flag: [true, '1', true],
    list: [['a'], 'a', ['a']],
    port: ['7', '7', 7],
    level: ['info', 'info', 'info'],
  }
  for (const { name, kind, ...spec } of allOptions) {
    const [flag, env, config] = values[kind]
    const expected = { text: 'a', flag: true, list: ['a'], port: 7, level: 'info' }[kind]
    const read = (settings: object): unknown => new Map(Object.entries(settings)).get(name)
    assert.equal(read(resolveOptions({ flags: { [name]: flag }, env: {} })), expected, name)
    assert.equal(read(resolveOptions({ flags: {}, env: { [envName(name)]: String(env) } })), expected, name)
    if (spec.outside !== true) assert.equal(read(resolveOptions({ ...none, config: { [name]: config } })), expected, name)
  }
})

test('the names in the environment are the flags in capitals', () => {
  assert.is(envName('no-mdns'), 'P2PNODE_NO_MDNS')
  assert.is(resolveOptions({ flags: {}, env: { P2PNODE_HOME: '/h' } })['data-dir'], '/h')
  assert.is(resolveOptions({ flags: {}, env: { P2PNODE_HOME: '/h', P2PNODE_DATA_DIR: '/d' } })['data-dir'], '/d')
})

test('a list in the environment is separated by commas or spaces', () => {
  const env = { P2PNODE_LISTEN: '/ip4/0.0.0.0/tcp/0, /ip6/::/tcp/0' }
  assert.equal(resolveOptions({ flags: {}, env }).listen, ['/ip4/0.0.0.0/tcp/0', '/ip6/::/tcp/0'])
})

test('a stronger source can say no to a weaker yes', () => {
  assert.is(resolveOptions({ flags: {}, env: { P2PNODE_OFFLINE: '0' }, config: { offline: true } }).offline, false)
})

test('an empty variable is no value', () => {
  assert.equal(resolveOptions({ flags: {}, env: { P2PNODE_PORT: '', P2PNODE_JSON: '' } }), {})
})

test('each source is told by its own name when it is wrong', () => {
  refused(() => resolveOptions({ flags: { port: '65536' }, env: {} }), /^--port /)
  refused(() => resolveOptions({ flags: {}, env: { P2PNODE_PORT: '-1' } }), /^P2PNODE_PORT /)
  refused(() => resolveOptions({ ...none, config: { port: 'x' } }), /^config\.json: port /)
  refused(() => resolveOptions({ flags: {}, env: { P2PNODE_LOG_LEVEL: 'loud' } }), /^P2PNODE_LOG_LEVEL /)
  refused(() => resolveOptions({ flags: {}, env: { P2PNODE_JSON: 'maybe' } }), /^P2PNODE_JSON /)
  refused(() => resolveOptions({ ...none, config: { offline: 'yes' } }), /^config\.json: offline /)
  refused(() => resolveOptions({ ...none, config: { listen: [1] } }), /^config\.json: listen /)
  refused(() => resolveOptions({ flags: { name: ' ' }, env: {} }), /^--name /)
})

test('a wrong value is refused also where a stronger source wins', () => {
  refused(() => resolveOptions({ flags: { port: '1' }, env: { P2PNODE_PORT: 'x' } }), /P2PNODE_PORT/)
})

test('config.json is an object of known options', () => {
  for (const config of [[], 1, 'x', null]) refused(() => resolveOptions({ ...none, config }), /one JSON object/)
  refused(() => resolveOptions({ ...none, config: { prot: 1 } }), /no option prot/)
  refused(() => resolveOptions({ ...none, config: { 'data-dir': '/x' } }), /no option data-dir/)
  refused(() => resolveOptions({ ...none, config: JSON.parse('{"__proto__":1}') }), /no option __proto__/)
})

test('a port is written in digits', () => {
  for (const port of ['', ' 1', '1.5', '0x10', '1e3', '-1', '65536', '999999', 'http']) {
    refused(() => resolveOptions({ flags: { port }, env: {} }), /--port/)
  }
  assert.is(resolveOptions({ flags: { port: '0' }, env: {} }).port, 0)
  assert.is(resolveOptions({ flags: { port: '65535' }, env: {} }).port, 65_535)
})

test('a count is a whole number in its bounds', () => {
  assert.is(parseCount('1000', '--limit', 1000), 1000)
  for (const count of ['0', '1001', '-1', '1.0', '', 'many', '99999999999'])
    refused(() => parseCount(count, '--limit', 1000), /^--limit /)
})

test.run()
