import { render } from 'ink-testing-library'
import { createElement } from 'react'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { Past, Talk } from '../../../src/cli/terminal/app.tsx'
import { Editor } from '../../../src/cli/terminal/editor.ts'
import { type Frame, frameOf } from '../../../src/cli/terminal/frame.ts'
import type { Typed } from '../../../src/cli/terminal/model.ts'
import type { Page } from '../../../src/cli/terminal/pager.ts'
import type { View } from '../../../src/view/overview.ts'
import { plainStyle } from '../../../src/view/style.ts'
import { Value } from '../../../src/view/watched.ts'
import { waitFor } from '../../support/wait-for.ts'

const test = suite('cli/terminal/app')

const room = { id: 'lobby', name: 'lobby', kind: 'open', check: '', members: 1, online: 1, count: 0, unread: 0 } as const
const VIEW: View = {
  rooms: [{ id: 'lobby', name: 'lobby', current: true, unread: 0, mentions: 0 }],
  current: room,
  people: [],
  reach: { direct: 1, relayed: 0 },
  typing: [],
}
const TYPED: Typed = { phase: 'chat', editor: Editor.of('hello') }

const open: (() => void)[] = []
test.after.each(() => {
  for (const close of open.splice(0)) close()
})

async function setup() {
  const model = new Value(TYPED)
  const overview = new Value(VIEW)
  const tail = new Value<readonly string[]>(['12:07 alice: on its way …'])
  const frames: Frame[] = []
  let write: ((text: string) => void) | undefined
  const app = render(
    createElement(Talk, {
      model,
      overview,
      tail,
      style: plainStyle,
      onReady: (ready) => {
        write = ready
      },
      onFrame: (frame) => {
        frames.push(frame)
      },
    }),
  )
  open.push(() => {
    app.unmount()
    app.cleanup()
  })
  await waitFor(() => write !== undefined && tail.watchers > 0, 'the app to be there')
  const see = (text: string): Promise<unknown> => waitFor(() => app.lastFrame()?.includes(text), `${text} on the screen`)
  /** What is to be seen of these values. */
  const expected = (columns = 100, rows = 24): string =>
    frameOf({ typed: model.view(), view: overview.view(), tail: tail.view(), columns, rows, style: plainStyle }).lines.join('\n')
  return { app, model, overview, tail, frames, see, expected, write: (text: string) => write?.(text) }
}

const shown = (text: string | undefined): string => (text ?? '').replace(/ +$/gm, '').trimEnd()

test('the talk is what its frame says', async () => {
  const { app, expected, frames } = await setup()
  assert.is(shown(app.lastFrame()), shown(expected()))
  assert.match(app.lastFrame() ?? '', /^12:07 alice: on its way …\n── lobby .*\nlobby> hello\n1 lobby .*1 direct$/)
  assert.equal(frames.at(-1)?.cursor, { x: 12, y: 2 })
})

test('it follows what is typed, what stands beside it, and what waits', async () => {
  const { app, model, overview, tail, frames, see, expected } = await setup()
  model.set({ ...TYPED, editor: Editor.of('hello, all') })
  await see('lobby> hello, all')
  assert.is(frames.at(-1)?.cursor.x, 17)
  overview.set({ ...VIEW, reach: { direct: 0, relayed: 2 }, typing: ['bob'] })
  await see('bob is typing…')
  await see('2 through a relay')
  tail.set(['12:07 alice: on its way ✓', '', '12:08 bob: hi'])
  await see('12:08 bob: hi')
  assert.is(shown(app.lastFrame()), shown(expected()))
  assert.match(app.lastFrame() ?? '', /✓\n *\n12:08 bob/, 'an empty line has its row')
  tail.set([])
  await waitFor(() => !app.lastFrame()?.includes('12:08'), 'nothing to wait')
  assert.is(shown(app.lastFrame()), shown(expected()))
})

test('another size is another frame', async () => {
  const { app, expected, see } = await setup()
  Object.defineProperties(app.stdout, { columns: { value: 30, configurable: true }, rows: { value: 6, configurable: true } })
  app.stdout.emit('resize')
  await waitFor(() => shown(app.lastFrame()) === shown(expected(30, 6)), 'the frame of the new size')
  await see('lobby> hello')
})

test('lines are written through Ink, which draws below them', async () => {
  const { write, see } = await setup()
  write('12:00 bob: earlier\n')
  await see('12:00 bob: earlier\n')
})

test('after its end it listens to nothing', async () => {
  const { app, model, overview, tail } = await setup()
  app.unmount()
  for (const each of [model, overview, tail]) assert.is(each.watchers, 0)
  assert.is(app.stdout.listenerCount('resize'), 0)
})

test('what was said before is what the pager says, in the size of the screen', async () => {
  const page = new Value<Page>({ messages: [], more: true, lowest: undefined, state: 'reading' })
  const pager = {
    ...page,
    lines: ({ lowest }: Page, columns: number, rows: number) => [`${columns} by ${rows}`, '', `${lowest?.id} is lowest`],
  }
  const app = render(createElement(Past, { pager }))
  open.push(() => app.unmount())
  await waitFor(() => page.watchers > 0, 'the pager to be watched')
  assert.is(shown(app.lastFrame()), '100 by 24\n\nundefined is lowest')
  page.set({ ...page.view(), lowest: { id: 'm7', below: 0 } })
  await waitFor(() => app.lastFrame()?.includes('m7 is lowest'), 'the other page')
  Object.defineProperty(app.stdout, 'columns', { value: 40 })
  app.stdout.emit('resize')
  await waitFor(() => app.lastFrame()?.includes('40 by 24'), 'the other size')
})

test.run()
