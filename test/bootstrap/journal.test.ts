import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { Journal } from '../../bootstrap/journal.ts'
import type { RelayCounts } from '../../src/node/relay/server.ts'

const test = suite('bootstrap/journal')

type Line = [level: 'info' | 'warn', message: string, fields: object]

function keep(maxDescriptors?: number): { journal: Journal; counts: RelayCounts; lines: Line[] } {
  const lines: Line[] = []
  const counts: RelayCounts = {
    connections: 0,
    maxConnections: 100,
    reservations: 0,
    maxReservations: 10,
    circuits: 0,
    waiting: 0,
    carried: { bytes: 0, circuits: 0 },
    refused: { full: 0, network: 0 },
  }
  const log = {
    info: (fields: object, message: string) => void lines.push(['info', message, fields]),
    warn: (fields: object, message: string) => void lines.push(['warn', message, fields]),
  }
  return { journal: new Journal({ log, counts: () => counts, maxDescriptors }), counts, lines }
}

const FULL = 'all reservations are taken and newcomers are turned away: run a second relay'

test('says that it started and where, and how many descriptors are missing', () => {
  for (const [max, warnings] of [
    [undefined, 0],
    [1_048_576, 0],
    [1_024, 0],
    [128, 1],
  ] as const) {
    const { journal, lines } = keep(max)
    journal.start({ addresses: ['/ip4/192.0.2.1/tcp/4747'] })
    journal.stop()
    assert.equal(lines[0], ['info', 'started', { addresses: ['/ip4/192.0.2.1/tcp/4747'] }])
    assert.is(lines.length, 1 + warnings, String(max))
    if (warnings > 0) assert.equal(lines[1]?.[2], { maxDescriptors: 128, needed: 228 })
  }
})

test('a thousand refusals of a minute are one line, and no refusal is none', () => {
  const { journal, counts, lines } = keep()
  journal.minute()
  assert.equal(lines, [])
  counts.refused = { full: 0, network: 1_000 }
  journal.minute()
  journal.minute()
  counts.refused = { full: 0, network: 1_002 }
  journal.minute()
  assert.equal(lines, [
    ['info', 'refused reservations', { full: 0, network: 1_000 }],
    ['info', 'refused reservations', { full: 0, network: 2 }],
  ])
})

test('that all places are taken is a warning, once an hour', () => {
  const { journal, counts, lines } = keep()
  const warnings = (): Line[] => lines.filter(([level]) => level === 'warn')
  for (const full of [1, 2, 3]) {
    counts.refused = { full, network: 0 }
    journal.minute()
  }
  assert.equal(warnings(), [['warn', FULL, { max: 10 }]])
  counts.connections = 100
  journal.minute()
  assert.equal(warnings()[1], ['warn', FULL.replace('reservations', 'connections'), { max: 100 }])
  journal.hour()
  counts.refused = { full: 4, network: 0 }
  journal.minute()
  assert.is(warnings().length, 4)
})

test('every hour the figures, and nothing but figures', () => {
  const { journal, counts, lines } = keep()
  counts.carried = { bytes: 5_000, circuits: 7 }
  journal.hour()
  const [[level, message, fields]] = lines as [Line]
  assert.equal([level, message], ['info', 'figures'])
  const { rssMiB, ...rest } = fields as { rssMiB: number }
  assert.ok(rssMiB > 0)
  assert.equal(rest, counts)
})

test.run()
