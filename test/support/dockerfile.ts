/**
 * Does what `docker build` does, in directories, where there is no Docker: COPY copies, RUN runs with the programs of this machine in
 * place of the base image's. Knows no more of Dockerfiles than ours need, and throws at the rest.
 */
import { execFileSync } from 'node:child_process'
import { chmodSync, chownSync, cpSync, mkdirSync, readdirSync, statSync } from 'node:fs'
import { basename, join } from 'node:path'

export interface Instruction {
  name: string
  text: string
}

export interface Stage {
  base: string
  name: string | undefined
  instructions: Instruction[]
}

/** What a container is started from. */
export interface Image {
  /** Where its file tree is; of the base image's nothing is in it. */
  root: string
  env: Record<string, string>
  user: string
  volumes: string[]
  entrypoint: string[]
  healthcheck: string[]
}

export function parseDockerfile(text: string): Stage[] {
  const stages: Stage[] = []
  const lines = text.replaceAll(/^\s*#.*\n/gm, '').replaceAll(/\\\n\s*/g, ' ')
  for (const line of lines.split('\n').filter((each) => each.trim() !== '')) {
    const [, name = '', rest = ''] = /^([A-Z]+)\s+(.*)$/.exec(line) ?? []
    if (name === 'FROM') {
      const [, base = '', as] = /^(\S+)(?:\s+AS\s+(\S+))?$/.exec(rest) ?? []
      stages.push({ base, name: as, instructions: [] })
    } else {
      const stage = stages.at(-1)
      if (name === '' || stage === undefined) throw new Error(`not understood: ${line}`)
      stage.instructions.push({ name, text: rest })
    }
  }
  return stages
}

export interface Copy {
  /** The stage it is taken from; undefined: the context. */
  from: string | undefined
  chown: string | undefined
  chmod: string | undefined
  sources: string[]
  to: string
}

export function parseCopy(text: string): Copy {
  const words = text.split(/\s+/)
  const options = new Map<string, string>()
  while (words[0]?.startsWith('--')) {
    const [, key = '', value = ''] = /^--(from|chown|chmod)=(.+)$/.exec(words.shift() ?? '') ?? []
    if (key === '') throw new Error(`COPY ${text}: an unknown option`)
    options.set(key, value)
  }
  const to = words.pop()
  if (to === undefined || words.length === 0) throw new Error(`COPY ${text}: from where, and where to?`)
  return { from: options.get('from'), chown: options.get('chown'), chmod: options.get('chmod'), sources: words, to }
}

/** Builds every stage below `into`. `baseFiles` are in each of them from the beginning: paths in the image, and where they come from. */
export function assemble(stages: Stage[], context: string, into: string, baseFiles: Record<string, string>): Image {
  const roots = new Map<string | undefined, string>([[undefined, context]])
  let image: Image | undefined
  for (const [index, stage] of stages.entries()) {
    const root = join(into, `stage${index}`)
    const isFinal = index === stages.length - 1
    for (const [path, source] of isFinal ? [] : Object.entries(baseFiles)) cpSync(source, join(root, path), { recursive: true })
    mkdirSync(root, { recursive: true })
    image = build(stage, root, roots)
    if (stage.name !== undefined) roots.set(stage.name, root)
  }
  if (image === undefined) throw new Error('no stage')
  return image
}

function build(stage: Stage, root: string, roots: ReadonlyMap<string | undefined, string>): Image {
  const image: Image = { root, env: {}, user: 'root', volumes: [], entrypoint: [], healthcheck: [] }
  let cwd = '/'
  for (const { name, text } of stage.instructions) {
    if (name === 'WORKDIR') {
      cwd = text
      mkdirSync(join(root, cwd), { recursive: true })
    } else if (name === 'COPY') copy(parseCopy(text), root, cwd, roots)
    else if (name === 'RUN') run(text, join(root, cwd))
    else if (name === 'ENV') Object.assign(image.env, Object.fromEntries([text.split(/=(.*)/s, 2)]))
    else if (name === 'USER') image.user = text
    else if (name === 'VOLUME') image.volumes.push(text)
    else if (name === 'ENTRYPOINT') image.entrypoint = JSON.parse(text)
    else if (name === 'HEALTHCHECK') image.healthcheck = JSON.parse(text.replace(/^.*?CMD\s+/, ''))
    else if (name !== 'EXPOSE') throw new Error(`not understood: ${name} ${text}`)
  }
  return image
}

function copy(
  { from, sources, to, chown, chmod }: Copy,
  root: string,
  cwd: string,
  roots: ReadonlyMap<string | undefined, string>,
): void {
  const origin = roots.get(from)
  if (origin === undefined) throw new Error(`there is no stage ${from}`)
  const target = to.startsWith('/') ? join(root, to) : join(root, cwd, to)
  for (const source of sources) {
    const path = join(origin, source)
    const isDirectory = statSync(path).isDirectory()
    const end = !isDirectory && to.endsWith('/') ? join(target, basename(source)) : target
    cpSync(path, end, { recursive: true, verbatimSymlinks: true })
    for (const each of chown === undefined && chmod === undefined ? [] : withAllBelow(end)) {
      const [user, group] = (chown ?? '').split(':').map(Number)
      if (chown !== undefined) chownSync(each, user ?? 0, group ?? 0)
      if (chmod !== undefined) chmodSync(each, Number.parseInt(chmod, 8))
    }
  }
}

function withAllBelow(path: string): string[] {
  return statSync(path).isDirectory() ? [path, ...readdirSync(path).flatMap((name) => withAllBelow(join(path, name)))] : [path]
}

/** In an image `/` would be its own. */
function run(text: string, cwd: string): void {
  if (/(^|[\s='"])\//.test(text)) throw new Error(`RUN ${text}: an absolute path`)
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(npm_|NODE_ENV$|NODE_OPTIONS$)/.test(name)))
  execFileSync('sh', ['-ec', text], { cwd, env, stdio: ['ignore', 'ignore', 'inherit'] })
}
