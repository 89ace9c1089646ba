/** `npm run package`: what `npm pack` would publish is what the README promises, and nothing else. Run after a build. */
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { publint } from 'publint'
import { formatMessage } from 'publint/utils'

const root = join(import.meta.dirname, '..')
const REQUIRED = [
  'package.json',
  'README.md',
  'LICENSE',
  'CHANGELOG.md',
  'SECURITY.md',
  'bootstrap/README.md',
  'bootstrap/p2pnode-relay.service',
  'dist/THIRD-PARTY.txt',
  'dist/cli/p2pnode.js',
  'dist/index.js',
  'dist/src/index.d.ts',
]
const ALLOWED =
  /^(package\.json|README\.md|LICENSE|CHANGELOG\.md|SECURITY\.md|docs\/[\w.-]+\.(md|svg|png)|bootstrap\/(README\.md|p2pnode-relay\.service)|dist\/THIRD-PARTY\.txt|dist\/(index|cli\/p2pnode|chunks\/[\w.-]+)\.js|dist\/src\/[\w./-]+\.d\.ts)$/
const MAX_MIB = 6
const MIB = 1024 * 1024
/** `npm pack` prints one report a package; its members are npm's. */
interface PackReport {
  files: { path: string; mode: number }[]
  unpackedSize: number
}

const json = execFileSync('npm', ['pack', '--dry-run', '--json', '--ignore-scripts', '--loglevel=error'], {
  cwd: root,
  encoding: 'utf8',
})
const parsed = JSON.parse(json) as PackReport[] | Record<string, PackReport>
const report = Object.values(parsed)[0]
if (report === undefined) throw new Error('npm pack reports no package')
const paths = report.files.map(({ path }) => path)
const command = report.files.find(({ path }) => path === 'dist/cli/p2pnode.js')
const pkg = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as Record<string, unknown>
const { messages } = await publint({ pkgDir: root, level: 'suggestion', strict: true })

const problems = [
  ...REQUIRED.filter((path) => !paths.includes(path)).map((path) => `${path} is missing`),
  ...paths.filter((path) => !ALLOWED.test(path)).map((path) => `${path} does not belong in the package`),
  ...(command !== undefined && (command.mode & 0o111) === 0 ? ['dist/cli/p2pnode.js is not executable'] : []),
  ...(report.unpackedSize > MAX_MIB * MIB ? [`unpacked it is over ${MAX_MIB} MiB`] : []),
  ...paths
    .filter((path) => path.startsWith('dist/') && readFileSync(join(root, path), 'utf8').includes(root))
    .map((path) => `${path} names the folder it was built in`),
  ...messages.map((message) => formatMessage(message, pkg, { color: false }) ?? message.code),
]
for (const problem of problems) console.error(`package: ${problem}`)
console.log(`${paths.length} files, ${(report.unpackedSize / MIB).toFixed(1)} MiB unpacked, ${problems.length} problems`)
process.exitCode = problems.length === 0 ? 0 : 1
