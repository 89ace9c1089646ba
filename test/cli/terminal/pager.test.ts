import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { MAX_PAGED, PAGE } from '../../../src/cli/terminal/constants.ts'
import type { Action, KeyName } from '../../../src/cli/terminal/key-map.ts'
import { Pager } from '../../../src/cli/terminal/pager.ts'
import { widthOf } from '../../../src/cli/terminal/widths.ts'
import type { Message } from '../../../src/client/client.ts'
import { plainStyle } from '../../../src/view/style.ts'
import { author, FakeClient } from '../../support/fake-client.ts'

const test = suite('cli/terminal/pager')

const bob = author('bob')
const entry = (message: Message) => ({ kind: 'message' as const, message, name: message.author.name, own: false, mention: false })

interface Setup {
  /** Messages there are. */
  count?: number
  text?: (n: number) => string
  columns?: number
  rows?: number
  /** The room's. */
  name?: string
}

async function setup({ count = 1000, text = (n) => `number ${n}`, columns = 80, rows = 24, name = 'lobby' }: Setup = {}) {
  const client = new FakeClient()
  const { id } = await client.join({ room: 'lobby' })
  for (let n = 1; n <= count; n++) client.hear('lobby', bob, text(n))
  const size = { columns, rows }
  let closed = 0
  let reads = 0
  client.beforeHistory = async () => void reads++
  const pager = new Pager({
    client,
    room: { id, name },
    style: plainStyle,
    columns: () => size.columns,
    rows: () => Math.max(1, size.rows - 2),
    entry,
    onClose: () => closed++,
  })
  const lines = (): string[] => pager.lines(pager.view(), size.columns, size.rows)
  const settled = async (): Promise<void> => {
    for (let turn = 0; turn < 20; turn++) await Promise.resolve()
  }
  return {
    client,
    pager,
    size,
    lines,
    settled,
    closed: () => closed,
    reads: () => reads,
    press: async (...kinds: KeyName[]): Promise<void> => {
      for (const kind of kinds) {
        pager.take([{ kind } as Action])
        await settled()
      }
    },
    /** The numbers that are shown, and the last line. */
    shown: (): number[] => lines().flatMap((line) => /bob: number (\d+)/.exec(line)?.slice(1).map(Number) ?? []),
    status: (): string => lines().at(-1)?.trimEnd() ?? '',
  }
}

test('it begins one screen above the end of what was said', async () => {
  const { pager, shown, status } = await setup()
  await pager.open()
  assert.is(shown().length, 22)
  assert.is(shown().at(-1), 1000 - 22)
  assert.match(status(), /^lobby: 200 messages · PgUp PgDn/)
})

test('pages lead back to the first message, each of the lines once', async () => {
  const { pager, press, shown, status, lines, reads } = await setup()
  await pager.open()
  const seen = new Set(shown())
  let top = shown()[0] ?? 0
  for (let page = 0; page < 60; page++) {
    await press('page-up')
    const next = shown()
    const bottom = next.at(-1) ?? 0
    assert.ok(bottom >= top - 1, `${bottom} below ${top}: nothing is left out`)
    top = next[0] ?? 0
    for (const n of next) seen.add(n)
  }
  assert.is(seen.size, 978)
  assert.is(shown()[0], 1)
  assert.match(lines()[0] ?? '', /^— .* 2026 —$/)
  assert.match(status(), /^lobby: 1,000 messages, all there are · /)
  assert.is(reads(), 1000 / PAGE, 'nothing is read once all is there')
})

test('what is read above does not move what is shown', async () => {
  const { pager, press, shown } = await setup()
  await pager.open()
  while (pager.view().messages.length === PAGE) {
    const before = shown()
    await press('up')
    assert.is(shown().at(-1), (before.at(-1) ?? 0) - 1)
  }
  assert.is(shown()[0], 800, 'which has come above where the day stood')
})

test('it goes no further back than it is to keep', async () => {
  const { pager, press, status, reads } = await setup({ count: MAX_PAGED + 2 * PAGE })
  await pager.open()
  for (let page = 0; page < MAX_PAGED / PAGE + 5; page++) await press('line-start')
  assert.is(pager.view().messages.length, MAX_PAGED)
  assert.is(reads(), MAX_PAGED / PAGE)
  assert.match(status(), /^lobby: the newest 10,000 messages, \/search finds older ones · /)
})

test('a room with nothing in it has one empty screen', async () => {
  const { pager, press, lines, status, closed } = await setup({ count: 0 })
  await pager.open()
  await press('page-up', 'line-start')
  assert.equal(lines().slice(0, -1), Array(22).fill(''))
  assert.match(status(), /^lobby: 0 messages, all there are/)
  await press('page-down')
  assert.is(closed(), 1)
})

test('what cannot be read is said, and tried again at the next key', async () => {
  const { client, pager, press, settled, status, shown } = await setup()
  const { beforeHistory } = client
  client.beforeHistory = () => Promise.reject(new Error('the disk is\u001b[2J gone'))
  await pager.open()
  await settled()
  assert.match(status(), /^lobby: could not be read: the disk is gone · /)
  await press('page-up')
  assert.match(status(), /could not be read/)
  client.beforeHistory = beforeHistory
  await press('page-up')
  assert.is(shown().at(-1), 1000)
  assert.match(status(), /^lobby: 200 messages · /)
  client.beforeHistory = () => Promise.reject(new Error('gone'))
  await press('line-start')
  assert.match(status(), /could not be read: gone/)
  assert.is(pager.view().messages.length, PAGE, 'what was read stays')
  client.beforeHistory = beforeHistory
  await press('page-up')
  assert.is(pager.view().messages.length, 2 * PAGE)
})

test('while it reads it says so, and reads once', async () => {
  const { client, pager, press, status, reads } = await setup()
  await pager.open()
  const { beforeHistory } = client
  let release: (() => void) | undefined
  client.beforeHistory = async () => {
    await beforeHistory()
    await new Promise<void>((resolve) => {
      release = resolve
    })
  }
  await press('line-start', 'page-up', 'up')
  assert.match(status(), /^lobby: 200 messages, reading… · /)
  assert.is(reads(), 2)
  release?.()
  client.beforeHistory = beforeHistory
  await press('down')
  assert.match(status(), /^lobby: 400 messages · /)
})

test('PgDn goes down, and closes at the end only', async () => {
  const { pager, press, shown, closed } = await setup()
  await pager.open()
  await press('page-up', 'page-down', 'page-down')
  assert.is(shown().at(-1), 1000)
  assert.is(closed(), 0)
  await press('down')
  assert.is(closed(), 0)
  await press('page-down')
  assert.is(closed(), 1)
})

test('Home goes to the oldest that was read, End to the newest', async () => {
  const { pager, press, shown } = await setup({ count: 100 })
  await pager.open()
  await press('line-start')
  assert.is(shown()[0], 1)
  await press('line-end')
  assert.is(shown().at(-1), 100)
})

test('q, Esc, Enter, Ctrl-C and Ctrl-D lead back to the talk, other letters nowhere', async () => {
  const { pager, press, closed } = await setup({ count: 3 })
  await pager.open()
  await press('escape', 'submit', 'interrupt', 'delete-or-leave')
  assert.is(closed(), 4)
  pager.take([{ kind: 'insert', text: 'x' }])
  assert.is(closed(), 4)
  pager.take([{ kind: 'insert', text: 'q' }])
  assert.is(closed(), 5)
})

const LONG = (n: number): string =>
  `number ${n} ${'wörter 日本語 👩‍👩‍👧 '.repeat(n % 9)}\nsecond line\n\nhttps://example.org/${'x'.repeat(n % 200)}`

test('lines are never higher than the screen less one, nor wider', async () => {
  for (const [columns, rows] of [
    [80, 24],
    [40, 10],
    [20, 4],
    [8, 3],
    [5, 2],
    [200, 60],
  ] as const) {
    const { pager, press, lines } = await setup({ columns, rows, count: 100, text: LONG })
    await pager.open()
    for (const key of ['line-end', 'page-up', 'up', 'line-start'] as const) {
      await press(key)
      const all = lines()
      assert.ok(all.length <= rows - 1, `${all.length} of ${rows} rows`)
      for (const line of all) assert.ok(widthOf(line) <= columns, `${widthOf(line)} of ${columns} columns: ${line}`)
    }
  }
})

test('the last line is as wide as the screen, whatever the room is called', async () => {
  for (const name of ['lobby', '日本語の部屋', 'שלום', '👩‍👩‍👧'])
    for (const columns of [10, 40, 120]) {
      const { lines } = await setup({ columns, count: 1, name })
      assert.is(widthOf(lines().at(-1) ?? ''), columns, name)
    }
  const { status } = await setup({ count: 1, name: 'שלום' })
  assert.match(status(), /^\u2068שלום\u2069: /)
  const narrow = await setup({ columns: 3, name: 'שלום' })
  assert.is(narrow.status(), '\u2068של…\u2069')
})

test('after another size there is as much as fits, in every width', async () => {
  const { pager, press, lines, size, shown } = await setup({ count: 100, text: LONG })
  await pager.open()
  await press('line-start')
  Object.assign(size, { columns: 30, rows: 12 })
  assert.is(lines().length, 11)
  for (const line of lines()) assert.ok(widthOf(line) <= 30, line)
  await press('line-start')
  assert.is(shown()[0], 1)
  Object.assign(size, { columns: 120, rows: 50 })
  assert.is(lines().length, 49)
  assert.ok(lines().some((line) => widthOf(line) > 30))
  assert.ok(shown().length > 2, 'the screen is full, although it was scrolled to what was the beginning')
  await press('line-end')
  assert.is(shown().at(-1), 100)
})

test('what stands lowest stays there in another width, though more or fewer lines are below it', async () => {
  const { pager, press, lines, size } = await setup({ count: 100, columns: 40, text: (n) => `number ${n} ${'x'.repeat(100)}` })
  const lowest = (): string | undefined =>
    lines()
      .join('')
      .match(/number \d+/g)
      ?.at(-1)
  await pager.open()
  await press('page-up', 'page-up', 'up')
  const before = lowest()
  for (const columns of [200, 20, 60, 40]) {
    size.columns = columns
    assert.is(lowest(), before, `${columns} columns`)
  }
  size.columns = 200
  await press('down')
  assert.is(
    lowest(),
    before?.replace(/\d+/, (n) => String(Number(n) + 1)),
  )
})

test('whoever watches is told of another page', async () => {
  const { pager, press } = await setup({ count: 100 })
  let told = 0
  await pager.open()
  const off = pager.subscribe(() => told++)
  const before = pager.view()
  await press('up')
  assert.ok(told > 0)
  assert.is.not(pager.view(), before)
  off()
  told = 0
  await press('up')
  assert.is(told, 0)
})

test.run()
