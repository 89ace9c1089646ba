import fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { counter, exposition, gauge } from '../../bootstrap/exposition.ts'

const test = suite('bootstrap/exposition')

test('a figure is its help, its type and its value; those of one name share the first two', () => {
  const text = exposition([
    gauge('p2pnode_relay_connections', 'Open connections.', () => 3),
    counter('p2pnode_refused_total', 'Refused.', () => 1, { reason: 'full' }),
    counter('p2pnode_refused_total', 'Refused.', () => 2.5, { reason: 'network' }),
    gauge('p2pnode_build_info', 'Always 1.', () => 1, { version: '0.1.0', node: 'v20.19.0' }),
  ])
  assert.is(
    text,
    `# HELP p2pnode_relay_connections Open connections.
# TYPE p2pnode_relay_connections gauge
p2pnode_relay_connections 3
# HELP p2pnode_refused_total Refused.
# TYPE p2pnode_refused_total counter
p2pnode_refused_total{reason="full"} 1
p2pnode_refused_total{reason="network"} 2.5
# HELP p2pnode_build_info Always 1.
# TYPE p2pnode_build_info gauge
p2pnode_build_info{version="0.1.0",node="v20.19.0"} 1
`,
  )
})

test('what is no finite number is written as Go reads it', () => {
  const values = [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 1e21]
  const lines = values.map((value) => exposition([gauge('x', '', () => value)]).split('\n')[2])
  assert.equal(lines, ['x NaN', 'x +Inf', 'x -Inf', 'x 1e+21'])
})

/** As the format's description says that they are read. */
const unescaped = (text: string): string => text.replace(/\\(.)/g, (_match, letter: string) => (letter === 'n' ? '\n' : letter))

test('whatever a label or a help holds, it stays on its line and is read back', () => {
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom('"', '\\', '\n', 'n', 'ü', '}') }), (text) => {
      const lines = exposition([gauge('x', text, () => 1, { label: text })]).split('\n')
      assert.is(lines.length, 4)
      assert.is(unescaped((lines[0] ?? '').slice('# HELP x '.length)), text)
      const [, value] = /^x\{label="((?:[^"\\]|\\.)*)"\} 1$/.exec(lines[2] ?? '') ?? []
      assert.is(unescaped(value ?? 'unreadable'), text)
    }),
  )
})

test.run()
