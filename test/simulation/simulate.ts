/** What runs a seed: the one thing that everybody who simulates needs, and the door to a copy of the project with a defect in it. */
import { createScenario } from './scenario.ts'
import { type Outcome, World, type WorldOptions } from './world.ts'

export type Simulate = (seed: number, options?: WorldOptions) => Promise<Outcome>

export const simulate: Simulate = (seed, options) => World.run(createScenario(seed), options)
