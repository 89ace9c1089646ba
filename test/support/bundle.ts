import { mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Plugin, rolldown } from 'rolldown'

const ROOT = join(import.meta.dirname, '../..')
/** Left to node_modules, where the compiled binding is. */
const EXTERNAL = ['classic-level', 'level']

/**
 * A program of the sources as they are now, in one file, gone when this process ends: it starts in a fraction of the time that
 * transpiling takes.
 *
 * @param source below the project
 * @param plugins what changes the sources on the way
 * @returns the file to run with node
 */
export async function bundled(source: string, ...plugins: Plugin[]): Promise<string> {
  const directory = mkdtempSync(join(tmpdir(), 'p2pnode-program-'))
  process.once('exit', () => rmSync(directory, { recursive: true, force: true }))
  symlinkSync(join(ROOT, 'node_modules'), join(directory, 'node_modules'))
  const build = await rolldown({ input: join(ROOT, source), platform: 'node', external: EXTERNAL, plugins, logLevel: 'silent' })
  await build.write({ dir: directory, entryFileNames: 'program.mjs', chunkFileNames: '[name]-[hash].mjs' })
  await build.close()
  return join(directory, 'program.mjs')
}
