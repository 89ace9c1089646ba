/** P2PNODE_KILL_ROUNDS=n for another count of both, SEED=n for other instants of the library's. */
import { suite } from 'uvu'
import { whyNoCommand } from '../support/cli-peer.ts'
import { assertSurvivesKills } from '../support/kill-rounds.ts'
import { assertLibrarySurvivesKills } from '../support/library-kills.ts'
import { whyNoLibrary } from '../support/library-writer.ts'
import { canRun } from '../support/requirements.ts'

const suiteOf = suite('long/kill')
const test = canRun(whyNoCommand(), whyNoLibrary()) ? suiteOf : suiteOf.skip
const rounds = (usual: number): number => Number(process.env.P2PNODE_KILL_ROUNDS ?? usual)
const SEED = Number(process.env.SEED ?? 1)

test(`keeps every acknowledged message over ${rounds(1000)} kills of the library`, () =>
  assertLibrarySurvivesKills(rounds(1000), SEED))

test(`keeps every acknowledged message over ${rounds(200)} kills of the command`, () => assertSurvivesKills(rounds(200)))

suiteOf.run()
