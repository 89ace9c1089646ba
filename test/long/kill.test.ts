import { suite } from 'uvu'
import { whyNoCommand } from '../support/cli-peer.ts'
import { assertSurvivesKills } from '../support/kill-rounds.ts'
import { canRun } from '../support/requirements.ts'

const suiteOf = suite('long/kill')
const test = canRun(whyNoCommand()) ? suiteOf : suiteOf.skip
const ROUNDS = Number(process.env.P2PNODE_KILL_ROUNDS ?? 200)

test(`keeps every acknowledged message over ${ROUNDS} kills`, () => assertSurvivesKills(ROUNDS))

suiteOf.run()
