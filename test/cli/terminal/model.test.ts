import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { MAX_TYPED_BYTES } from '../../../src/cli/terminal/constants.ts'
import { KeyReader } from '../../../src/cli/terminal/keys.ts'
import { Model } from '../../../src/cli/terminal/model.ts'
import { Recall } from '../../../src/cli/terminal/recall.ts'
import type { RoomTab } from '../../../src/view/overview.ts'

const test = suite('cli/terminal/model')

const ESC = '\u001b'
const UP = `${ESC}[A`
const DOWN = `${ESC}[B`
const LEFT = `${ESC}[D`
const TAB = '\t'
const SHIFT_TAB = `${ESC}[Z`
const CTRL_C = '\u0003'
const CTRL_D = '\u0004'
const CTRL_T = '\u0014'
const CTRL_Y = '\u0019'
const CTRL_U = '\u0015'
const CTRL_Z = '\u001a'
const paste = (text: string): string => `${ESC}[200~${text}${ESC}[201~`

const tab = (name: string): RoomTab => ({ id: `id of ${name}`, name, current: name === 'lobby', unread: 0, mentions: 0 })

/** A model whose chat has begun, with all that it calls for. */
function setup() {
  const recall = new Recall()
  const reader = new KeyReader()
  const calls: string[] = []
  const call =
    (name: string) =>
    (...args: unknown[]): void =>
      void calls.push([name, ...args].join(' '))
  const model = new Model({
    recall: () => recall,
    completable: () => ({ rooms: ['lobby', 'dev'], names: ['alice', 'alicia', 'bob'] }),
    rooms: () => [tab('lobby'), tab('design'), tab('dev'), tab('ops')],
    onLine: call('line'),
    onSecret: call('secret'),
    onRoom: call('room'),
    onNeighbour: call('neighbour'),
    onNumber: call('number'),
    onUnread: call('unread'),
    onFocus: call('focus'),
    onPage: call('page'),
    onTyping: call('typing'),
    onRedraw: call('redraw'),
    onRefused: call('bell'),
    onInterrupt: call('interrupt'),
    onEnd: call('end'),
  })
  model.begin()
  return {
    model,
    recall,
    /** Types, as a terminal would send it, and waits for an Esc to be one. */
    press: (...keys: string[]): void => {
      for (const key of keys) model.take([...reader.read(key), ...reader.flush()])
    },
    /** What was called for; the word that somebody types only where it is asked for. */
    called: (withTyping = false): string[] => calls.splice(0).filter((each) => withTyping || each !== 'typing'),
    text: (): string => {
      const { text, cursor } = model.view().editor
      return `${text.slice(0, cursor)}|${text.slice(cursor)}`
    },
    offered: (): string[] => model.view().switcher?.rooms.map(({ room }) => room.name) ?? [],
    chosen: (): string | undefined => {
      const { rooms, at } = model.view().switcher ?? { rooms: [], at: 0 }
      return rooms[at]?.room.name
    },
  }
}

test('a line that is entered is handed on, and the next one is empty', () => {
  const { press, called, text, recall } = setup()
  press('hello', '\r')
  assert.equal(called(), ['line hello'])
  assert.is(text(), '|')
  assert.equal(recall.toJSON(), ['hello'])
  press(CTRL_Z)
  assert.is(text(), '|', 'what was sent is not undone')
})

test('a line of nothing is not handed on', () => {
  const { press, called, text, recall } = setup()
  press('\r', '   \r', `${ESC}\r`, '\r')
  assert.equal(called(), [])
  assert.is(text(), '|')
  assert.is(recall.size, 0)
})

test('Alt-Enter makes a line of it, and what is pasted is not entered', () => {
  const { press, called } = setup()
  press('one', `${ESC}\r`, paste('two\r\nthree\r'))
  assert.equal(called(), [])
  press('\r')
  assert.equal(called(), ['line one\ntwo\nthree\n'])
})

test('lines are recalled, and what was unfinished comes back', () => {
  const { press, called, text } = setup()
  press('one\r', 'two\r', 'unfin')
  called()
  press(LEFT, LEFT, LEFT, LEFT, LEFT, UP)
  assert.is(text(), 'two|')
  press(UP)
  assert.is(text(), 'one|')
  press(UP)
  assert.is(text(), 'one|')
  press(DOWN, DOWN)
  assert.is(text(), 'unfin|')
  press(UP)
  assert.is(text(), 'unfin|', 'no line begins so')
  press(CTRL_U, UP, UP, '!\r')
  assert.equal(called(), ['line one!'])
})

test('up and down stay within a text of several lines first', () => {
  const { press, text } = setup()
  press('one\r', `a${ESC}\rb`, UP)
  assert.is(text(), 'a|\nb')
  press(DOWN)
  assert.is(text(), 'a\nb|')
})

test('Tab offers, chooses, and ends with any other key', () => {
  const { model, press, text, called } = setup()
  press('hi al', TAB)
  assert.is(text(), 'hi alic|')
  assert.equal(model.view().completion?.candidates, ['alice ', 'alicia '])
  press(TAB, TAB)
  assert.is(text(), 'hi alicia |')
  press(SHIFT_TAB)
  assert.is(text(), 'hi alice |')
  assert.is(model.view().completion?.chosen, 0)
  press('x')
  assert.is(model.view().completion, undefined)
  assert.is(text(), 'hi alice x|')
  assert.equal(called(), [])
})

test('Esc ends what Tab offers and leaves the text; once more it is cleared, and comes back', () => {
  const { model, press, text } = setup()
  press('hi al', TAB, ESC)
  assert.is(model.view().completion, undefined)
  assert.is(text(), 'hi alic|')
  press(ESC)
  assert.is(text(), '|')
  press(CTRL_Z)
  assert.is(text(), 'hi alic|')
})

test('what Tab offers is gone with the line, and where a line is recalled', () => {
  const { model, press, text } = setup()
  press('alice is here\r', 'al', TAB, '\r')
  assert.is(model.view().completion, undefined)
  press('al', TAB)
  assert.is.not(model.view().completion, undefined)
  press(UP)
  assert.is(text(), 'alice is here|')
  assert.is(model.view().completion, undefined)
})

test('the bell rings where Tab knows nothing', () => {
  const { press, called } = setup()
  press('xyz', TAB)
  assert.equal(called(), ['bell'])
})

test('a room is chosen by letters of its name', () => {
  const { press, called, offered, chosen, text, model } = setup()
  press('half', CTRL_T)
  assert.equal(offered(), ['lobby', 'design', 'dev', 'ops'])
  press('d', 'v')
  assert.is(chosen(), 'dev')
  assert.equal(model.view().switcher?.rooms[0]?.number, 3, 'with its own number')
  press('\r')
  assert.equal(called(), ['room id of dev'])
  assert.is(model.view().switcher, undefined)
  assert.is(text(), 'half|', 'what was being typed is still there')
})

test('up, down and Tab go through the rooms, around', () => {
  const { press, called, chosen } = setup()
  press(CTRL_T, DOWN)
  assert.is(chosen(), 'design')
  press(TAB, TAB)
  assert.is(chosen(), 'ops')
  press(DOWN)
  assert.is(chosen(), 'lobby')
  press(UP)
  assert.is(chosen(), 'ops')
  press(SHIFT_TAB, UP)
  assert.is(chosen(), 'design')
  press('o')
  assert.is(chosen(), 'ops', 'other letters begin with the best one')
  press('\r')
  assert.is(called().length, 1)
})

test('no room is gone to with Esc, or where none is called so', () => {
  const { press, called, offered, model } = setup()
  press(CTRL_T, 'dev', ESC)
  assert.is(model.view().switcher, undefined)
  press(CTRL_T, CTRL_T)
  assert.is(model.view().switcher, undefined)
  press(CTRL_T, 'xyz')
  assert.equal(offered(), [])
  press(DOWN, UP, TAB)
  assert.equal(offered(), [])
  press('\u007f\u007f\u007f')
  assert.is(offered().length, 4)
  press('xyz\r')
  assert.is(model.view().switcher, undefined)
  assert.equal(called(), [])
})

test('a secret that is asked for while a line is half typed is no part of it', () => {
  const { model, press, called, text, recall } = setup()
  press('half a line', LEFT, LEFT)
  model.ask('Passphrase: ')
  assert.is(model.view().question, 'Passphrase: ')
  assert.is(text(), '|')
  press('hunter2', UP, TAB, CTRL_T, '\r')
  assert.equal(called(), ['secret hunter2'])
  assert.is(model.view().question, undefined)
  assert.is(text(), 'half a li|ne')
  assert.equal(recall.toJSON(), [])
  press(CTRL_Z, CTRL_Z, CTRL_Y)
  assert.not.match(text(), /hunter/)
})

test('what was killed of a secret is not yanked into a line, nor the other way round', () => {
  const { model, press, text, called } = setup()
  press('a line', CTRL_U)
  model.ask('Passphrase: ')
  press('hunter2', CTRL_U, '\r')
  assert.equal(called(), ['secret '])
  press(CTRL_Y)
  assert.is(text(), 'a line|')
})

test('a secret is refused with Esc or Ctrl-C, which then does not leave', () => {
  for (const key of [ESC, CTRL_C]) {
    const { model, press, called, text } = setup()
    press('half')
    model.ask('Passphrase: ')
    press('hunt', key)
    assert.equal(called(), ['secret '])
    assert.is(model.view().question, undefined)
    assert.is(text(), 'half|')
  }
})

test('nobody is told that one types a secret, or chooses a room', () => {
  const { model, press, called } = setup()
  model.ask('Passphrase: ')
  press('hunter2')
  assert.equal(called(true), [])
  press('\r', CTRL_T, 'dev', ESC)
  assert.equal(called(true), ['secret hunter2'])
})

test('of two questions the second is asked, and the line comes back still', () => {
  const { model, press, text } = setup()
  press('half')
  model.ask('one: ')
  press('hunter2')
  model.ask('two: ')
  press('\r')
  assert.is(text(), 'half|')
  press('!')
  model.ask('three: ')
  press('\r')
  assert.is(text(), 'half!|')
})

test('a question takes the place of what Tab offers and of the rooms', () => {
  const { model, press } = setup()
  press('al', TAB)
  model.ask('Passphrase: ')
  assert.is(model.view().completion, undefined)
  press('\r', CTRL_T)
  model.ask('Passphrase: ')
  assert.is(model.view().switcher, undefined)
})

test('Ctrl-D leaves where nothing is typed, and deletes where something is', () => {
  const { press, called, text } = setup()
  press('ab', LEFT, CTRL_D)
  assert.is(text(), 'a|')
  press(CTRL_D)
  assert.is(text(), 'a|')
  assert.equal(called(), [])
  press('\u007f', CTRL_D)
  assert.equal(called(), ['end'])
})

test('Ctrl-C leaves, whatever is typed', () => {
  const { press, called } = setup()
  press('half', CTRL_C)
  assert.equal(called(), ['interrupt'])
})

test('keys that go to rooms', () => {
  const { press, called, text } = setup()
  press('half', `${ESC}3`, '\u000e', '\u0010', '\u000f', `${ESC}[5~`, `${ESC}[6~`, '\u000c', `${ESC}[I`, `${ESC}[O`)
  assert.equal(called(), [
    'number 3',
    'neighbour 1',
    'neighbour -1',
    'unread',
    'page up',
    'page down',
    'redraw',
    'focus true',
    'focus false',
  ])
  assert.is(text(), 'half|')
})

test('a paste that is too long rings the bell and changes nothing', () => {
  const { press, called, text } = setup()
  press('half', paste('x'.repeat(MAX_TYPED_BYTES)))
  assert.equal(called(), ['bell'])
  assert.is(text(), 'half|')
  press(paste('x'.repeat(MAX_TYPED_BYTES - 4)))
  assert.equal(called(), [])
})

test('others are told of texts that are typed, and of nothing else', () => {
  const { press, called } = setup()
  press('h')
  assert.equal(called(true), ['typing'])
  press(LEFT, DOWN, `${ESC}[F`, '\u007f')
  assert.equal(called(true), [])
  press('/join dev', TAB, '\u007f', '\r')
  assert.equal(called(true), ['line /join dev'])
})

test('whoever watches is told of each change, until they look away', () => {
  const { model, press } = setup()
  let told = 0
  const before = model.view()
  const off = model.subscribe(() => told++)
  press('a')
  assert.is(told, 1)
  assert.is.not(model.view(), before)
  off()
  press('b')
  assert.is(told, 1)
})

test('the phase is the chat once it has begun', () => {
  const { model } = setup()
  assert.is(model.view().phase, 'chat')
  assert.is(new Model({} as ConstructorParameters<typeof Model>[0]).view().phase, 'starting')
})

test.run()
