/** `p2pnode passphrase`: sets, changes or removes the store's passphrase, while no peer runs. */
import { LockedError, StorageError, StoreInUseError } from '../../errors.ts'
import { UsageError } from '../../view/explain.ts'
import { type Context, noStore } from '../context.ts'
import { dataDirExists } from '../data-dir.ts'
import { EXIT, ExitError } from '../exit.ts'
import { changePassphrase, storeOwner } from '../runtime.ts'
import { askNewSecret, askSecret, secretFrom } from '../secret.ts'

export interface PassphraseFlags {
  newPassphraseFile?: string
  remove?: boolean
}

export async function passphrase(context: Context, flags: PassphraseFlags): Promise<void> {
  const { io, settings, dataDir } = context
  if (flags.remove === true && flags.newPassphraseFile !== undefined) {
    throw new UsageError('--remove and --new-passphrase-file exclude each other')
  }
  if (!io.canAsk && flags.remove !== true && flags.newPassphraseFile === undefined) {
    throw new UsageError('nobody can be asked here: give --new-passphrase-file <file> or --remove')
  }
  if (!dataDirExists(dataDir)) throw noStore(dataDir)
  const file = settings['passphrase-file']
  let old = file === undefined ? undefined : await secretFrom(file, 'passphrase-file', io)
  if (old === undefined && io.canAsk) old = (await askSecret(io, 'Passphrase now (empty if there is none): ')) || undefined
  const next = flags.remove === true ? undefined : await nextPassphrase(context, flags)
  try {
    await changePassphrase({ dataDir, old, next })
  } catch (error) {
    throw await better(error, dataDir)
  }
  io.say(next === undefined ? 'the passphrase was removed' : 'the passphrase was set')
}

async function nextPassphrase({ io }: Context, { newPassphraseFile }: PassphraseFlags): Promise<string> {
  if (newPassphraseFile !== undefined) return await secretFrom(newPassphraseFile, 'new-passphrase-file', io)
  return await askNewSecret(io, 'New passphrase')
}

async function better(error: unknown, dataDir: string): Promise<unknown> {
  if (error instanceof StoreInUseError) {
    const pid = await storeOwner(dataDir)
    return new ExitError(EXIT.IN_USE, `a peer is running here${pid === undefined ? '' : ` (pid ${pid})`}: stop it first`)
  }
  if (error instanceof LockedError) return new LockedError('there is a passphrase already: give it with --passphrase-file <file>')
  if (error instanceof StorageError && error.code === 'ENOENT') return noStore(dataDir)
  return error
}
