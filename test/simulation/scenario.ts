/** What happens in a run: a function of the seed alone. Members are numbers, their places in `members`. Times are milliseconds. */
import { Random } from './random.ts'

const second = 1000
const minute = 60 * second
const hour = 60 * minute
const TEN_YEARS = 3652 * 24 * hour

export const MAIN_ROOM = 'main'
export const SIDE_ROOM = 'side'
/** Every text of an honest member begins with it: nobody outside may ever see it. */
export const CANARY = 'canary'

export const ADVERSARIES = [
  'headerLiar',
  'frontRunner',
  'flooder',
  'outsider',
  'forger',
  'forker',
  'twin',
  'withholder',
  'beaconLiar',
  'frontierLiar',
  'malformer',
  'replayer',
] as const
export type AdversaryName = (typeof ADVERSARIES)[number]

export type Step = { at: number } & (
  | { do: 'send'; member: number; count: number; side: boolean; cid: boolean; long: boolean }
  | { do: 'retry'; member: number }
  | { do: 'crash' | 'restart' | 'eio'; member: number; down: number }
  | { do: 'leave'; member: number; away: number }
  | { do: 'partition'; alone: number[]; lasts: number }
  | { do: 'cut'; from: number; to: number; lasts: number }
  | { do: 'reset'; from: number; to: number }
  | { do: 'full'; member: number; lasts: number }
  | { do: 'slow'; member: number; lasts: number }
  | { do: 'profile'; member: number }
  | { do: 'setBack'; member: number; by: number }
  | { do: 'snapshot' | 'restore' | 'clone'; member: number }
)

export interface MemberPlan {
  name: string
  /** How far its clock is off. */
  skew: number
  joinsAt: number
  /** It is in the second room too. */
  side: boolean
}

/** Somebody who writes where nobody but the keeper hears it, and then goes for good. Times are milliseconds. */
export interface DeparturePlan {
  member: number
  from: number
  sends: number[]
}

export interface KeeperPlan {
  /** Members that are kept by it. */
  members: number[]
  crashes: { at: number; down: number }[]
  full: { at: number; lasts: number } | undefined
  departure: DeparturePlan | undefined
  /** Adversaries that sync say that they are keepers too. */
  liars: boolean
  /** Somebody brings it what does not open. */
  squatter: boolean
}

export interface Scenario {
  seed: number
  members: MemberPlan[]
  locked: boolean
  loss: number
  duplication: number
  delay: [number, number]
  slow: number
  /** How long a write takes. */
  disk: [number, number]
  steps: Step[]
  /** When everything that was broken is mended. */
  healAt: number
  adversaries: AdversaryName[]
  /** Adversaries go on lying after the heal; they write nothing new. */
  persistent: boolean
  /** Look at everything afterwards: reopen every disk, try every order. */
  thorough: boolean
  keeper: KeeperPlan | undefined
}

const WEIGHTS: Partial<Record<Step['do'], number>> = {
  send: 60,
  crash: 6,
  restart: 3,
  eio: 1,
  leave: 3,
  partition: 6,
  cut: 4,
  reset: 3,
  full: 2,
  slow: 2,
  profile: 2,
  retry: 4,
  setBack: 1,
  snapshot: 2,
  restore: 2,
  clone: 0.7,
}

export function createScenario(seed: number): Scenario {
  const random = new Random(seed, 1)
  const healAt = (random.chance(0.12) ? random.between(40, 110) : random.between(8, 36)) * second
  const members = planMembers(random, healAt)
  const harsh = random.chance(0.3)
  return {
    seed,
    members,
    locked: random.chance(0.3),
    loss: random.chance(0.3) ? 0 : random.between(0.02, harsh ? 0.4 : 0.2),
    duplication: random.chance(0.5) ? 0 : random.between(0, 0.3),
    delay: random.pick<[number, number]>([
      [1, 5],
      [5, 60],
      [20, 400],
    ]),
    slow: random.chance(0.5) ? 0 : 0.05,
    disk: random.pick<[number, number]>([
      [0.1, 1],
      [1, 20],
      [5, 300],
    ]),
    steps: planSteps(random, members.length, healAt),
    healAt,
    adversaries: random.chance(0.5) ? random.shuffled(ADVERSARIES).slice(0, 1 + random.below(2)) : [],
    persistent: random.chance(0.4),
    thorough: random.chance(0.06),
    keeper: planKeeper(new Random(seed, 4), members.length, healAt),
  }
}

function planKeeper(random: Random, members: number, healAt: number): KeeperPlan | undefined {
  if (random.chance(0.85)) return undefined
  const all = [...Array(members).keys()]
  const from = random.between(3 * second, Math.max(4 * second, healAt * 0.4))
  const sends = Array.from({ length: 1 + random.below(6) }, () => random.between(from, Math.max(from, healAt * 0.6)))
  const departure = random.chance(0.6) ? { member: random.below(2), from, sends } : undefined
  return {
    members: departure !== undefined || random.chance(0.6) ? all : all.filter(() => random.chance(0.6)),
    crashes: Array.from({ length: random.below(3) }, () => ({
      at: random.between(0, healAt),
      down: random.between(0.1, random.chance(0.3) ? 30 : 5) * second,
    })),
    full: random.chance(0.2) ? { at: random.between(0, healAt), lasts: random.between(1, 20) * second } : undefined,
    departure,
    liars: random.chance(0.3),
    squatter: random.chance(0.2),
  }
}

function planMembers(random: Random, healAt: number): MemberPlan[] {
  const side = random.chance(0.2)
  return Array.from({ length: 3 + Math.min(random.below(5), random.below(5), random.below(5)) }, (_, i) => ({
    name: `member-${i}`,
    skew: random.chance(0.04) ? TEN_YEARS : random.chance(0.4) ? random.between(-hour, hour) : random.between(-second, second),
    joinsAt: i < 2 || random.chance(0.6) ? random.between(0, 2 * second) : random.between(0, healAt),
    side: side && random.chance(0.7),
  }))
}

function planSteps(random: Random, members: number, healAt: number): Step[] {
  const count = 40 + Math.min(random.below(81), random.below(81), random.below(81))
  const steps = Array.from({ length: count }, () => planStep(random, members, random.between(second, healAt)))
  return steps.sort((a, b) => a.at - b.at)
}

function planStep(random: Random, members: number, at: number): Step {
  const member = random.below(members)
  const lasts = random.chance(0.3) ? random.between(20, 90) * second : random.between(0.5, 20) * second
  const kind = random.weighted<Step['do']>(WEIGHTS)
  switch (kind) {
    case 'send': {
      const count = random.chance(0.08) ? 2 + random.below(14) : 1
      return { at, do: kind, member, count, side: random.chance(0.3), cid: random.chance(0.4), long: random.chance(0.02) }
    }
    case 'crash':
    case 'restart':
    case 'eio':
      return { at, do: kind, member, down: random.between(0.05, random.chance(0.3) ? 60 : 5) * second }
    case 'leave':
      return { at, do: kind, member, away: random.between(0.2, 30) * second }
    case 'partition':
      return { at, do: kind, alone: random.shuffled([...Array(members).keys()]).slice(0, 1 + random.below(members - 1)), lasts }
    case 'cut':
      return { at, do: kind, from: member, to: (member + 1 + random.below(members - 1)) % members, lasts }
    case 'reset':
      return { at, do: kind, from: member, to: (member + 1 + random.below(members - 1)) % members }
    case 'full':
    case 'slow':
      return { at, do: kind, member, lasts: lasts / 3 }
    case 'setBack':
      return { at, do: kind, member, by: random.between(1, 3600) * second }
    default:
      return { at, do: kind, member }
  }
}
