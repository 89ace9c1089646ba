/** The command of somebody who has taken the checks out of it: it tells others any name at all. */
import { readFileSync } from 'node:fs'
import { bundled } from './bundle.ts'

const CHECK = `if (trimmed.search(REFUSED) >= 0) throw`

/** @returns the file to run with node. @throws if the check is no longer where it was */
export function hostileCommand(): Promise<string> {
  return bundled('src/cli/main.ts', {
    name: 'without the check of names',
    load(id) {
      if (!id.endsWith('/src/chat/identity.ts')) return null
      const source = readFileSync(id, 'utf8')
      if (!source.includes(CHECK)) throw new Error(`${id} checks names in another way now`)
      return source.replace(CHECK, 'if (false) throw').replace("name.normalize('NFC').trim()", 'name')
    },
  })
}
