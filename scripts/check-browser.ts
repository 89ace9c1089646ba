/** `npm run browser`: bundles the portable sources for a page; fails if anything in them, or below them, needs Node. Prints the size. */
import { execFileSync } from 'node:child_process'
import { isBuiltin } from 'node:module'
import { join, relative } from 'node:path'
import { gzipSync } from 'node:zlib'
import { rolldown } from 'rolldown'

const root = join(import.meta.dirname, '..')
const ENTRY = 'portable'
const KIB = 1024

/** tsconfig.portable.json says which sources are portable; tsc resolves its globs. */
function portableSources(): string[] {
  const tsc = join(root, 'node_modules/typescript/bin/tsc')
  const list = execFileSync(process.execPath, [tsc, '-p', 'tsconfig.portable.json', '--listFilesOnly'], {
    cwd: root,
    encoding: 'utf8',
  })
  return list.split('\n').filter((file) => file.startsWith(join(root, 'src/')) && file.endsWith('.ts'))
}

const sources = portableSources()
if (sources.length === 0) throw new Error('tsconfig.portable.json names no source')
const problems: string[] = []
const bundle = await rolldown({
  cwd: root,
  input: ENTRY,
  platform: 'browser',
  plugins: [
    {
      name: 'portable',
      async resolveId(id, importer) {
        if (id === ENTRY) return ENTRY
        if (!isBuiltin(id)) return undefined
        // `events` and `buffer` are also packages, written for pages
        const found = id.startsWith('node:') ? null : await this.resolve(id, importer, { skipSelf: true })
        if (found !== null && !found.external) return found
        problems.push(`${relative(root, importer ?? '')} imports ${id}`)
        return { id, external: true }
      },
      load: (id) =>
        id === ENTRY ? sources.map((file, at) => `export * as source${at} from ${JSON.stringify(file)}`).join('\n') : undefined,
    },
  ],
  onLog(level, log) {
    if (level === 'warn') problems.push(log.message)
  },
})
const { output } = await bundle.generate({ format: 'esm', minify: true })
await bundle.close()
if (problems.length > 0) {
  console.error(`the portable sources do not run in a page:\n${problems.map((problem) => `  ${problem}`).join('\n')}`)
  process.exit(1)
}
const code = output.flatMap((part) => (part.type === 'chunk' ? [part.code] : [])).join('\n')
const sizes = [code.length, gzipSync(code).length].map((bytes) => `${Math.round(bytes / KIB)} KiB`)
console.log(`${sources.length} portable sources: ${sizes[0]} minified, ${sizes[1]} with gzip`)
