/** What must be there before anything is measured: the build, the reference's packages, the processes compiled. */
import { execFileSync } from 'node:child_process'
import { existsSync, rmSync } from 'node:fs'
import { isAbsolute, join } from 'node:path'
import { rolldown } from 'rolldown'
import { COMPILED } from './children.ts'

const HERE = import.meta.dirname
const BUILT = ['dist/index.js', 'dist/cli/p2pnode.js']

export async function prepare(): Promise<void> {
  if (!BUILT.every((file) => existsSync(join(HERE, '..', file)))) throw new Error('the project is not built: npm run build')
  if (!existsSync(join(HERE, 'node_modules/hypercore'))) {
    execFileSync('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'], { cwd: HERE, stdio: 'inherit' })
  }
  rmSync(COMPILED, { recursive: true, force: true })
  // Compiled before, as every program is that people run; packages stay where they are.
  const bundle = await rolldown({
    cwd: HERE,
    input: { raw: 'peers/raw.ts', p2pnode: 'peers/p2pnode.ts', hypercore: 'peers/hypercore.ts', shims: '../src/shims.ts' },
    platform: 'node',
    external: (id) => !id.startsWith('.') && !isAbsolute(id),
  })
  await bundle.write({ dir: COMPILED, format: 'esm' })
  await bundle.close()
}
