import { mkdtemp, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { type Plugin, rolldown } from 'rolldown'

/** Left to node_modules: what has a compiled binding; what Ink asks for when it is debugged, and is not installed. */
const EXTERNAL = ['classic-level', 'level', 'rolldown', 'react-devtools-core']
const OWN = /^(?!.*\/node_modules\/).*\.ts$/
/** Before any test file, as every entry of the product does it. */
const SHIMS = 'src/shims.ts'

/** Files ready to be run. */
export interface CompiledTests {
  /** Arguments for node that run the test file of this path. */
  argumentsFor(path: string): string[]
  dispose(): Promise<void>
}

/** A file still knows itself by the place of its source: fixtures, children and vectors lie beside that. */
const placeOfSource: Plugin = {
  name: 'place-of-source',
  transform: {
    filter: { id: OWN, code: /\bimport\.meta\./ },
    handler: (code, id) => ({
      code: code.replace(/\bimport\.meta\.(dirname|filename|url)\b/g, (_, what) =>
        JSON.stringify({ dirname: dirname(id), filename: id, url: pathToFileURL(id).href }[what as string]),
      ),
      map: null, // no line moves
    }),
  },
}

/**
 * Bundles test files and all that they import, once: each is a process, and to find, transpile and load a thousand modules takes
 * longer than most of them run. Modules that several share are loaded from shared files, so that each is still one module.
 *
 * @throws of rolldown, which names the file, for a source that cannot be compiled
 */
export async function compileTests(root: string, paths: readonly string[]): Promise<CompiledTests> {
  // Beside the sources, where packages are found.
  const dir = await mkdtemp(join(root, '.compiled-'))
  const dispose = (): Promise<void> => rm(dir, { recursive: true, force: true })
  const named = (path: string): string => path.replace(/\.ts$/, '')
  try {
    const bundle = await rolldown({
      cwd: root,
      input: Object.fromEntries([SHIMS, ...paths].map((path) => [named(path), path])),
      platform: 'node',
      external: EXTERNAL,
      plugins: [placeOfSource],
    })
    await bundle.write({
      dir,
      format: 'esm',
      entryFileNames: '[name].mjs',
      chunkFileNames: 'shared/[name]-[hash].mjs',
      sourcemap: true,
    })
    await bundle.close()
  } catch (error) {
    await dispose()
    throw error
  }
  const compiled = (path: string): string => join(dir, `${named(path)}.mjs`)
  const before = ['--enable-source-maps', '--import', pathToFileURL(compiled(SHIMS)).href]
  return { argumentsFor: (path) => [...before, compiled(path)], dispose }
}
