import fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { compareKeys, Order } from '../../src/chat/order.ts'

const test = suite('chat/order')

interface Node {
  hlc: number
  author: { name: string }
  seq: number
  id: string
  position: number
  /** All of its predecessors, present or not. */
  named: Node[]
}

/** What a random history is made of: per event an author, a clock (honest, stuck or hostile), and whom it names. */
const step = fc.record({
  author: fc.nat(4),
  hlc: fc.oneof(fc.nat(30), fc.constantFrom(0, 7, 10 ** 12)),
  parents: fc.array(fc.nat(60), { maxLength: 4 }),
  twin: fc.nat(9),
})

function history(steps: { author: number; hlc: number; parents: number[]; twin: number }[]): Node[] {
  const nodes: Node[] = []
  const tips = new Map<number, Node>()
  steps.forEach(({ author, hlc, parents, twin }, i) => {
    const tip = tips.get(author)
    // Now and then an author forks: the same place again.
    const prev = twin === 0 ? tip?.named.find((each) => each.author.name === `${author}`) : tip
    const named = parents.flatMap((at) => nodes[at % Math.max(1, nodes.length)] ?? [])
    const node = {
      hlc,
      author: { name: `${author}` },
      seq: (prev?.seq ?? 0) + 1,
      id: `${(i * 7919) % 1000}.${i}`,
      position: -1,
      named: [...(prev ? [prev] : []), ...named],
    }
    nodes.push(node)
    tips.set(author, node)
  })
  return nodes
}

/** The rule itself, at its plainest: take the smallest of those whose present predecessors are all taken. */
function byTheRule(nodes: Node[]): string[] {
  const left = new Set(nodes)
  const order: string[] = []
  while (left.size > 0) {
    const ready = [...left].filter((node) => !node.named.some((each) => left.has(each)))
    const next = ready.sort(compareKeys)[0] as Node
    left.delete(next)
    order.push(next.id)
  }
  return order
}

/** Feeds an `Order` as the log does: with the predecessors and dependants that are present. */
function incremental(nodes: Node[], readAfter: (index: number) => boolean): string[] {
  const present = new Set<Node>()
  const order = new Order<Node>((node) => node.named.filter((each) => present.has(each)))
  nodes.forEach((node, i) => {
    present.add(node)
    order.add(
      node,
      [...present].filter((each) => each.named.includes(node)),
    )
    if (readAfter(i)) order.all()
  })
  return order.all().map((node) => node.id)
}

test('inserting one by one equals the full sort, under every permutation, with hostile clocks', () => {
  fc.assert(
    fc.property(
      fc.array(step, { minLength: 1, maxLength: 40 }),
      fc.array(fc.nat(), { minLength: 40, maxLength: 40 }),
      (steps, keys) => {
        const expected = byTheRule(history(steps))
        const shuffled = (): Node[] =>
          history(steps)
            .map((node, i) => [keys[i] ?? 0, node] as const)
            .sort(([a], [b]) => a - b)
            .map(([, node]) => node)
        assert.equal(
          incremental(history(steps), () => true),
          expected,
          'as written',
        )
        assert.equal(
          incremental(shuffled(), () => true),
          expected,
          'shuffled, read each time',
        )
        assert.equal(
          incremental(shuffled(), () => false),
          expected,
          'shuffled, read at the end',
        )
        assert.equal(
          incremental(shuffled(), (i) => (keys[i] ?? 0) % 3 === 0),
          expected,
          'shuffled, read now and then',
        )
      },
    ),
    { numRuns: 2500 },
  )
})

test('every prefix of the arrivals is in the order of its own set', () => {
  fc.assert(
    fc.property(
      fc.array(step, { minLength: 1, maxLength: 25 }),
      fc.array(fc.nat(), { minLength: 25, maxLength: 25 }),
      (steps, keys) => {
        const nodes = history(steps)
          .map((node, i) => [keys[i] ?? 0, node] as const)
          .sort(([a], [b]) => a - b)
          .map(([, node]) => node)
        const present = new Set<Node>()
        const order = new Order<Node>((node) => node.named.filter((each) => present.has(each)))
        for (const node of nodes) {
          present.add(node)
          order.add(
            node,
            [...present].filter((each) => each.named.includes(node)),
          )
          assert.equal(
            order.all().map((each) => each.id),
            byTheRule([...present]),
          )
        }
      },
    ),
    { numRuns: 500 },
  )
})

test('many at once are in the order in which they would be one by one', () => {
  fc.assert(
    fc.property(fc.array(step, { minLength: 1, maxLength: 40 }), fc.nat(40), (steps, cut) => {
      const nodes = history(steps)
      const present = new Set<Node>()
      const order = new Order<Node>((node) => node.named.filter((each) => present.has(each)))
      const [first, rest] = [nodes.slice(0, cut), nodes.slice(cut)]
      for (const node of first) present.add(node)
      order.addAll(first)
      for (const node of rest) {
        present.add(node)
        order.add(node, [])
      }
      assert.equal(
        order.all().map((node) => node.id),
        byTheRule(nodes),
      )
    }),
    { numRuns: 300 },
  )
})

/** A long log as sync brings it: portions of `size`, newest first, each in order. */
function newestFirst(nodes: Node[], size: number): Node[] {
  const arrivals: Node[] = []
  for (let end = nodes.length; end > 0; end -= size) arrivals.push(...nodes.slice(Math.max(0, end - size), end))
  return arrivals
}

test('a history that comes newest first is in order, and looked at a few times for each event', () => {
  const LENGTH = 30_000
  for (const readEach of [Number.POSITIVE_INFINITY, 5000]) {
    let looks = 0
    const nodes: Node[] = []
    for (let i = 0; i < LENGTH; i++) {
      const node = { author: { name: `${i % 3}` }, seq: 1 + Math.floor(i / 3), id: `${i}`, position: -1, named: nodes.slice(-1) }
      nodes.push(
        Object.defineProperty(node, 'hlc', {
          get: () => {
            looks++
            return i
          },
        }) as unknown as Node,
      )
    }
    const present = new Set<Node>()
    const order = new Order<Node>((node) => node.named.filter((each) => present.has(each)))
    const followers = new Map(nodes.map((node) => [node.named[0], node]))
    newestFirst(nodes, 200).forEach((node, i) => {
      present.add(node)
      const follower = followers.get(node)
      order.add(node, follower !== undefined && present.has(follower) ? [follower] : [])
      if (i % readEach === readEach - 1) order.all()
    })
    assert.equal(
      order.all().map(({ id }) => id),
      nodes.map(({ id }) => id),
    )
    assert.ok(looks < 300 * LENGTH, `${looks} looks`)
  }
})

test('of many that belong far from the end each finds its place, whenever it is read', () => {
  fc.assert(
    fc.property(
      fc.array(step, { minLength: 350, maxLength: 500, size: 'max' }),
      fc.array(fc.nat(), { minLength: 500, maxLength: 500 }),
      fc.integer({ min: 1, max: 400 }),
      (steps, keys, pause) => {
        const expected = byTheRule(history(steps))
        // The first part in any order, the rest as written: late ones among live ones.
        const nodes = history(steps)
        const late = nodes.splice(0, 60).sort((a, b) => (keys[a.seq] ?? 0) - (keys[b.seq] ?? 0) || (a.id < b.id ? -1 : 1))
        const arrivals = nodes.slice(0, 280).concat(late, nodes.slice(280))
        assert.equal(
          incremental(arrivals, (i) => i % pause === 0),
          expected,
        )
      },
    ),
    { numRuns: 15 },
  )
})

test('positions are indices, and each event knows what stands behind it', () => {
  fc.assert(
    fc.property(fc.array(step, { minLength: 1, maxLength: 30 }), (steps) => {
      const nodes = history(steps)
      const present = new Set<Node>()
      const order = new Order<Node>((node) => node.named.filter((each) => present.has(each)))
      for (const node of [...nodes].reverse()) {
        present.add(node)
        order.add(
          node,
          [...present].filter((each) => each.named.includes(node)),
        )
      }
      const all = order.all()
      all.forEach((node, i) => {
        assert.is(node.position, i)
        assert.is(order.after(node), all[i + 1])
      })
    }),
    { numRuns: 200 },
  )
})

test('keys compare by clock, then author, then seq, then id', () => {
  const node = { hlc: 5, author: { name: 'b' }, seq: 5, id: 'b', position: -1 }
  const smaller = [
    { ...node, hlc: 4, author: { name: 'c' } },
    { ...node, author: { name: 'a' }, seq: 9 },
    { ...node, seq: 4, id: 'c' },
    { ...node, id: 'a' },
  ]
  for (const each of smaller) {
    assert.ok(compareKeys(each, node) < 0)
    assert.ok(compareKeys(node, each) > 0)
  }
  assert.is(compareKeys(node, { ...node }), 0)
})

test('a clock ten years ahead delays only what does not follow it', () => {
  const make = (hlc: number, name: string, seq: number, named: Node[] = []): Node => ({
    hlc,
    author: { name },
    seq,
    id: `${name}${seq}`,
    position: -1,
    named,
  })
  const liar = make(10 ** 12, 'liar', 1)
  const before = make(10, 'ann', 1)
  const follows = make(12, 'bob', 1, [liar])
  const concurrent = make(11, 'ann', 2, [before])
  assert.equal(
    incremental([liar, before, follows, concurrent], () => true),
    ['ann1', 'ann2', 'liar1', 'bob1'],
  )
})

test.run()
