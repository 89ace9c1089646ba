/**
 * `npm run build`: the library (dist/index.js) and the command (dist/cli/p2pnode.js) bundled with what they need, so that neither
 * loads a thousand small files; types in dist/src, licences beside them.
 */
import { spawnSync } from 'node:child_process'
import { chmodSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Plugin, rolldown } from 'rolldown'
import { thirdPartyNotice } from './third-party.ts'

const root = join(import.meta.dirname, '..')
const dist = join(root, 'dist')

/** Left to node_modules, where its compiled binding is. Both are the package's own dependencies or theirs. */
const EXTERNAL = ['classic-level', 'level']

function compile(): void {
  const tsc = join(root, 'node_modules/typescript/bin/tsc')
  const { status } = spawnSync(process.execPath, [tsc, '-p', 'tsconfig.build.json'], { cwd: root, stdio: 'inherit' })
  if (status !== 0) process.exit(status ?? 1)
}

interface Replacement {
  replaces: (source: string, importer: string) => boolean
  code: string
}

/** What libraries bring along and nothing here needs, by what stands there instead. */
const replacements: Record<string, Replacement> = {
  // commander loads what it starts programs with, and with it sockets and datagrams, before it knows that none of our commands is a
  // program of its own: a twentieth of the time that `--help` takes.
  'no-programs': {
    replaces: (source, importer) => source === 'node:child_process' && importer.includes('/commander/'),
    code: 'export default {}',
  },
  // kad-dht has half a megabyte of peer ids, with which it would refresh its contacts; it is not asked to.
  'no-prefixes': {
    replaces: (source) => source.endsWith('/generated-prefix-list.js'),
    code: 'export default []',
  },
  // Ink draws nothing where $CI is set; here a terminal is a terminal, and Ink is not loaded where there is none.
  'no-ci': {
    replaces: (source) => source === 'is-in-ci',
    code: 'export default false',
  },
  // Ink looks for React's developer tools where $DEV is set.
  'no-devtools': {
    replaces: (source, importer) => source === './devtools.js' && importer.includes('/ink/'),
    code: 'export {}',
  },
}

const replace: Plugin = {
  name: 'replace',
  resolveId(source, importer = '') {
    const found = Object.entries(replacements).find(([, { replaces }]) => replaces(source, importer))
    return found === undefined ? undefined : `\0${found[0]}`
  },
  load: (id) => (id.startsWith('\0') ? replacements[id.slice(1)]?.code : undefined),
}

/** Answers the files in the bundle that came from node_modules. */
async function bundle(): Promise<string[]> {
  const bundled = await rolldown({
    cwd: root,
    input: { 'cli/p2pnode': 'src/cli/main.ts', index: 'src/index.ts' },
    platform: 'node',
    external: EXTERNAL,
    plugins: [replace],
    // React has checks for who writes components, which cost who uses them.
    transform: { define: { 'process.env.NODE_ENV': '"production"' } },
    onLog(level, log, handle) {
      if (level === 'warn') throw new Error(`bundle: ${log.message}`)
      handle(level, log)
    },
  })
  try {
    const { output } = await bundled.write({
      dir: dist,
      format: 'esm',
      entryFileNames: '[name].js',
      chunkFileNames: 'chunks/[name]-[hash].js',
      // What every command needs is one file: to find and load one takes longer than to compile it. But for main.ts, which waits
      // for the command: what is loaded later must not wait for it in turn.
      codeSplitting: { groups: [{ name: 'program', test: /src\/cli\/program\.ts$/ }] },
    })
    chmodSync(join(dist, 'cli/p2pnode.js'), 0o755)
    return output.flatMap((part) => (part.type === 'chunk' ? part.moduleIds : [])).filter((id) => id.includes('node_modules'))
  } finally {
    await bundled.close()
  }
}

rmSync(dist, { recursive: true, force: true })
compile()
writeFileSync(join(dist, 'THIRD-PARTY.txt'), thirdPartyNotice(await bundle()))
