/** SOAK_MINUTES=n for another length. */
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { type CliPeer, whyNoCommand } from '../support/cli-peer.ts'
import { descriptorsOf, memoryOf, percentile, TimedCrowd } from '../support/load.ts'
import { every } from '../support/pace.ts'
import { canRun } from '../support/requirements.ts'
import { assertNothingLostOrDoubled, converge } from '../support/room-checks.ts'

const suiteOf = suite('long/soak')
const test = canRun(whyNoCommand()) ? suiteOf : suiteOf.skip

const second = 1000
const minute = 60 * second
const ROOM = 'harbour'
const PEERS = 3
const DURATION = Number(process.env.SOAK_MINUTES ?? 20) * minute
/** Compilation, caches and the collector's first generations come to rest meanwhile. */
const WARM_UP = Math.min(5 * minute, DURATION / 2)
/** Of each peer; all together 20 a second. */
const PACE = 150
const SAMPLING = 2 * second
/** MiB a minute. */
const MAX_SLOPE = 1
/** Descriptors: tables and logs of the store come and go. */
const MAX_MORE_DESCRIPTORS = 5

interface Sample {
  minutes: number
  memory: number
  descriptors: number
}

/** Least squares. */
function slopeOf(points: readonly (readonly [x: number, y: number])[]): number {
  const mean = (values: number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length
  const [x, y] = [mean(points.map(([each]) => each)), mean(points.map(([, each]) => each))]
  const covariance = mean(points.map(([a, b]) => (a - x) * (b - y)))
  return covariance / mean(points.map(([a]) => (a - x) ** 2))
}

/** The lowest of each half minute: what is left after the collector, not what it has yet to take. */
function floorsOf(samples: readonly Sample[]): [number, number][] {
  const floors = new Map<number, number>()
  for (const { minutes, memory } of samples) {
    const half = Math.floor(minutes * 2) / 2
    floors.set(half, Math.min(floors.get(half) ?? Number.POSITIVE_INFINITY, memory))
  }
  return [...floors]
}

interface Growth {
  /** MiB a minute, after the warm-up. */
  slope: number
  /** From the start on. */
  floors: [minutes: number, memory: number][]
  /** Medians of the first and the second half after the warm-up. */
  descriptors: [before: number, after: number]
}

function growthOf(samples: readonly Sample[]): Growth {
  const warm = samples.filter(({ minutes }) => minutes * minute >= WARM_UP)
  const half = Math.floor(warm.length / 2)
  const median = (some: readonly Sample[]): number =>
    percentile(
      some.map(({ descriptors }) => descriptors),
      0.5,
    )
  return {
    slope: slopeOf(floorsOf(warm)),
    floors: floorsOf(samples),
    descriptors: [median(warm.slice(0, half)), median(warm.slice(half))],
  }
}

/** One of them after the other loses its connection to the next, and makes it anew. */
async function reconnect(peers: readonly CliPeer[], turn: number): Promise<void> {
  const [one, other] = [peers[turn % peers.length], peers[(turn + 1) % peers.length]]
  if (one === undefined || other === undefined || turn === 0) return
  await one.request('disconnect', { peerId: other.ready.peerId })
  await one.request('connect', { address: other.ready.addresses[0] })
}

test(`memory and descriptors stand still over ${DURATION / minute} minutes`, () =>
  TimedCrowd.with(PEERS, ROOM, async (crowd) => {
    const samples = new Map<CliPeer, Sample[]>(crowd.peers.map((peer) => [peer, []]))
    const sample = async (turn: number): Promise<void> => {
      const minutes = (turn * SAMPLING) / minute
      for (const [peer, all] of samples) all.push({ minutes, memory: memoryOf(peer.pid), descriptors: descriptorsOf(peer.pid) })
    }
    await Promise.all([
      ...crowd.peers.map((peer) => every(PACE, DURATION, async () => crowd.say(peer))),
      every(minute, DURATION, (turn) => reconnect(crowd.peers, turn)),
      every(SAMPLING, DURATION, sample),
    ])
    const ids = await crowd.acknowledged()
    await converge(crowd.peers, ROOM, ids.length, minute)
    for (const peer of crowd.peers) await assertNothingLostOrDoubled(peer, ROOM, ids)
    const [p50 = 0, p95 = 0] = [0.5, 0.95].map((p) => percentile(crowd.latencies, p))
    console.log(`soak: ${DURATION / minute} min, ${ids.length} messages, p50 ${p50.toFixed(0)}, p95 ${p95.toFixed(0)} ms`)
    const growths = [...samples.values()].map(growthOf)
    for (const { slope, floors, descriptors } of growths) {
      const memory = floors.map(([, floor]) => floor.toFixed(0)).join(' ')
      console.log(`soak: ${slope.toFixed(2)} MiB a minute (floors ${memory}), descriptors ${descriptors.join(' to ')}`)
    }
    for (const { slope, descriptors } of growths) {
      assert.ok(slope <= MAX_SLOPE, `memory grows by ${slope} MiB a minute`)
      assert.ok(descriptors[1] - descriptors[0] <= MAX_MORE_DESCRIPTORS, `descriptors grow from ${descriptors.join(' to ')}`)
    }
  }))

suiteOf.run()
