/** `npm run scale [guests|rooms|carry|keep [number]]`: what docs/SCALE.md says, measured anew; all of it takes about ten minutes. */
import { carry } from './carry.ts'
import { alone, inRooms } from './guests.ts'
import { keep } from './keep.ts'

const PARTS: Record<string, { measure: (number: number) => Promise<void>; usual: number }> = {
  guests: { measure: alone, usual: 1_000 },
  rooms: { measure: inRooms, usual: 100 },
  carry: { measure: carry, usual: 500 },
  keep: { measure: keep, usual: 50_000 },
}

const [name, number] = process.argv.slice(2)
if (name !== undefined && !Object.hasOwn(PARTS, name)) {
  console.error(`there is no ${name}: ${Object.keys(PARTS).join(', ')}`)
  process.exit(2)
}
for (const [part, { measure, usual }] of Object.entries(PARTS)) {
  if (name !== undefined && name !== part) continue
  console.log(`\n## ${part}\n`)
  await measure(number === undefined ? usual : Number(number))
}
process.exit(0)
