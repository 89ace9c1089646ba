/**
 * npm's `prepare`: builds in a clone, so that `npm ci && npx p2pnode start` works there. An installation without development
 * dependencies (`--omit=dev`, NODE_ENV=production) has nothing to build with; failing it would only hide that.
 */
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'

const root = new URL('..', import.meta.url)
const missing = ['tsx', 'typescript', 'rolldown'].filter((name) => !existsSync(new URL(`node_modules/${name}`, root)))
if (missing.length > 0) {
  console.warn(`p2pnode: not built, ${missing.join(', ')} not installed. Run "npm ci" with development dependencies to build.`)
} else {
  const { status } = spawnSync(process.execPath, ['--import', 'tsx', 'scripts/build.ts'], { cwd: root, stdio: 'inherit' })
  process.exitCode = status ?? 1
}
