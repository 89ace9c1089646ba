import { suite } from 'uvu'
import { whyNoCommand } from '../support/cli-peer.ts'
import { assertSurvivesKills } from '../support/kill-rounds.ts'
import { assertLibrarySurvivesKills } from '../support/library-kills.ts'
import { whyNoLibrary } from '../support/library-writer.ts'
import { canRun } from '../support/requirements.ts'

const suiteOf = suite('system/kill')
const test = canRun(whyNoCommand(), whyNoLibrary()) ? suiteOf : suiteOf.skip
const ROUNDS = Number(process.env.P2PNODE_KILL_ROUNDS ?? 20)

test(`keeps every acknowledged message over ${ROUNDS} kills`, () => assertSurvivesKills(ROUNDS))

test(`keeps every acknowledged message over ${ROUNDS} kills of the library`, () => assertLibrarySurvivesKills(ROUNDS, 1))

suiteOf.run()
