import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

interface Manifest {
  name: string
  version: string
  license?: string
}

const NOTICE_FILE = /^(licen[cs]e|copying|notice)/i

/** `/x/node_modules/a/node_modules/@b/c/d.js` -> `/x/node_modules/a/node_modules/@b/c` */
function packageDir(file: string): string {
  const marker = '/node_modules/'
  const start = file.lastIndexOf(marker) + marker.length
  const parts = file.slice(start).split('/')
  return file.slice(0, start) + parts.slice(0, parts[0]?.startsWith('@') ? 2 : 1).join('/')
}

function noticesIn(dir: string): string[] {
  return readdirSync(dir, { withFileTypes: true })
    .filter((entry) => entry.isFile() && NOTICE_FILE.test(entry.name))
    .map((entry) => readFileSync(join(dir, entry.name), 'utf8').trim())
    .sort()
}

/**
 * The licences of the code in a bundle, one section a package, sorted by name.
 *
 * @param modules Absolute paths of the bundled files that lie in a node_modules directory.
 * @throws When a package declares no licence: nobody may distribute it.
 */
export function thirdPartyNotice(modules: readonly string[]): string {
  const dirs = new Set(modules.map((id) => packageDir((id.split('?')[0] ?? id).replaceAll('\\', '/').replace(/^\0/, ''))))
  const sections = new Map<string, string>()
  for (const dir of dirs) {
    if (!existsSync(join(dir, 'package.json'))) throw new Error(`no package.json in ${dir}`)
    const { name, version, license } = JSON.parse(readFileSync(join(dir, 'package.json'), 'utf8')) as Manifest
    if (!license) throw new Error(`${name}@${version} declares no licence`)
    sections.set(`${name}@${version}`, [`${name} ${version} (${license})`, ...noticesIn(dir)].join('\n\n'))
  }
  const sorted = [...sections].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, text]) => text)
  const rule = `\n\n${'-'.repeat(80)}\n\n`
  return `${['What is in dist contains code of these packages, under their licences.', ...sorted].join(rule)}\n`
}
